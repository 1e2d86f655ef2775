import zipfile
from pathlib import Path

import pytest

from csre_mm.datasets.annotations import load_annotations
from tests.commands import Command, captured
from tests.datasets.preparation.faults import FAULTS, fault_files, write_faults
from tests.ntu_files import NAME, report_of, simple, skeleton, write_raw


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    return captured(Command('data/prepare_ntu.py', tmp_path, monkeypatch), capsys)


@pytest.mark.parametrize('member', [f'../{NAME}.skeleton', f'/x/{NAME}.skeleton', f'C:/{NAME}.txt'])
def test_a_zip_that_leaves_its_folder_is_refused(run, tmp_path, member):
    with zipfile.ZipFile('a.zip', 'w') as archive:
        archive.writestr('S001C001P001R001A001.skeleton', simple())
        archive.writestr(member, simple())
    status, out, err = run('a.zip', 'data.pkl', '--dataset', 'ntu60')
    assert (status, out) == (2, '')
    assert err.startswith('prepare_ntu.py: error: a.zip: refused') and err.count('\n') == 1
    assert not Path('data.pkl').exists()
    assert not (tmp_path.parent / f'{NAME}.skeleton').exists()


def test_files_that_cannot_be_used_are_named(run, tmp_path):
    write_raw(tmp_path / 'raw', [NAME])
    bad = 'S001C001P001R001A00'
    (tmp_path / 'raw' / f'{bad}1.skeleton').write_bytes(skeleton([{}]))
    (tmp_path / 'raw' / f'{bad}2.skeleton').write_bytes(simple()[:500])
    (tmp_path / 'raw' / 'other.skeleton').write_bytes(simple())
    status, out, err = run('raw', 'data.pkl', '--dataset', 'ntu60')
    assert status == 0
    assert '1 samples, 3 files skipped' in out
    raw = Path('raw')
    assert f'skipped {raw / f"{bad}1.skeleton"}: no body' in err
    assert f'skipped {raw / f"{bad}2.skeleton"}: line ' in err
    assert f'skipped {raw / "other.skeleton"}: expected a name' in err

    status, out, err = run('raw', 'strict.pkl', '--dataset', 'ntu60', '--strict')
    assert status == 2
    assert err.splitlines()[-1].startswith(f'prepare_ntu.py: error: {raw / bad}1.skeleton: no body')
    assert not Path('strict.pkl').exists()

    Path('missing.txt').write_text(f'Some heading\n{bad}1\n{bad}2.skeleton\nother\n')
    status, out, _ = run(
        'raw', 'data.pkl', '--dataset', 'ntu60', '--strict', '--ignore', 'missing.txt'
    )
    assert status == 0
    assert '1 samples, 0 files skipped' in out
    assert '3 files are in the list' in out
    report = report_of()
    assert report['files']['missing'] == dict(here=3, full=302)
    assert report['classes']['A002'] == dict(samples=0, rejected=0, ignored=1, full_files=948)


def test_the_report_of_every_fault(run, tmp_path):
    folder = tmp_path / 'raw'
    write_raw(folder, [f'S001C001P001R001A{action:03}' for action in range(1, 6)], 20)
    write_faults(folder)
    status, out, err = run('raw', 'data.pkl', '--dataset', 'ntu60')
    assert status == 0
    report = report_of()
    expected = {}
    for name, fault in fault_files():
        if fault.reason:
            expected.setdefault(fault.reason, set()).add(name)
    found = {reason: set(group['files']) for reason, group in report['rejected'].items()}
    assert {reason: names for reason, names in found.items() if names} == expected
    assert all(group['count'] == len(group['files']) for group in report['rejected'].values())
    assert err.count('skipped ') == 8

    num_good = 5 + sum(fault.persons > 0 for fault in FAULTS.values())
    assert report['files']['found'] == dict(here=21, full=56880)
    assert report['files']['samples'] == dict(here=num_good, full=56578)
    assert report['files']['missing'] == dict(here=2, full=302)
    # The performer of the faults is one for testing; the cameras of the kept ones are 1 2 3 1 2 3
    # 1 2, that of the good ones is 1.
    here = {split: counts['here'] for split, counts in report['splits'].items()}
    assert here == dict(xsub_train=5, xsub_val=8, xview_train=5, xview_val=8)
    assert report['splits']['xsub_val']['full'] == 16487
    assert report['classes']['A001'] == dict(samples=6, rejected=6, ignored=0, full_files=948)
    assert report['classes']['A011'] == dict(samples=3, rejected=1, ignored=0, full_files=948)
    assert report['persons'] == {'1': 10, '2': 3}
    notes = {note: group['total'] for note, group in report['notes'].items()}
    assert notes == {
        'actions of one person with two actors': 3,
        'actors that appear late': 1,
        'bodies beyond the second found': 1,
        'bodies beyond two actors dropped': 1,
        'bodies dropped by length': 1,
        'bodies dropped by spread': 1,
        'bodies joined to an actor': 1,
        'detections of a repeated id dropped': 3,
        'frames without an actor dropped': 4,
    }
    for word in ('40,091', 'truncated', 'bodies dropped by spread', 'S005C001P106R001A001'):
        assert word in out


def test_cleaning_can_be_chosen(run, tmp_path):
    write_faults(tmp_path / 'raw')
    shapes = {}
    for cleaning in ('published', 'published-motion', 'none'):
        status, _, _ = run('raw', 'data.pkl', '--dataset', 'ntu60', '--cleaning', cleaning)
        assert status == 0
        assert report_of()['cleaning'] == cleaning
        shapes[cleaning] = {
            a['frame_dir']: len(a['keypoint']) for a in load_annotations('data.pkl')['annotations']
        }
    furniture, new_id, short = (
        'S002C003P106R001A001',
        'S002C001P106R001A001',
        'S004C002P106R001A011',
    )
    assert (shapes['published'][furniture], shapes['none'][furniture]) == (1, 2)
    assert (shapes['published'][new_id], shapes['none'][new_id]) == (1, 2)
    assert short not in shapes['published'] and shapes['none'][short] == 2


def test_bad_arguments_end_with_status_2(run, tmp_path):
    write_raw(tmp_path / 'raw', [NAME])
    write_raw(tmp_path / 'same', [NAME])
    (tmp_path / 'empty').mkdir()
    Path('no.zip').write_text('no zip')
    Path('names.txt').write_text('none\n')
    for args, part in [
        (['raw', 'out.npy'], 'out.npy: the output must be named .pkl'),
        (['nowhere', 'out.pkl'], 'nowhere: no such folder or zip'),
        (['empty', 'out.pkl'], 'empty: no *.skeleton file found'),
        (['no.zip', 'out.pkl'], 'no.zip: expected a folder or a zip'),
        (['raw', 'same', 'out.pkl'], 'the same sample as'),
        (['raw', 'out.pkl', '--workers', '0'], '--workers is 0, expected at least 1'),
        (['raw', 'out.pkl', '--ignore', 'names.txt'], '--ignore names.txt: no name in it'),
        (['raw', 'out.pkl', '--ignore', 'gone.txt'], 'No such file or directory: gone.txt'),
        (['raw', 'out.pkl', '--report', 'empty'], '--report is empty, expected the name'),
        (['raw', 'out.pkl', '--report', './out.pkl'], '--report is out.pkl, expected the name'),
    ]:
        status, _, err = run(*args, '--dataset', 'ntu60')
        assert status == 2
        assert err.startswith('prepare_ntu.py: error: ') and err.count('\n') == 1
        assert part in err
    write_raw(tmp_path / 'later', ['S020C001P001R001A070'])
    status, _, err = run('later', 'out.pkl', '--dataset', 'ntu60')
    assert status == 2 and 'no usable sample of ntu60' in err
    assert not list(tmp_path.glob('out*'))


def test_a_damaged_zip_member_is_named(run):
    with zipfile.ZipFile('a.zip', 'w') as archive:
        archive.writestr(f'{NAME}.skeleton', simple())
        archive.writestr('S001C001P001R001A001.skeleton', simple())
    content = bytearray(Path('a.zip').read_bytes())
    content[200] ^= 1
    Path('a.zip').write_bytes(content)
    status, out, err = run('a.zip', 'data.pkl', '--dataset', 'ntu60')
    assert status == 0
    assert f'skipped a.zip:{NAME}.skeleton: the zip is damaged' in err
    assert '1 samples, 1 files skipped' in out
    assert report_of()['rejected']['unreadable']['count'] == 1


def test_odd_names_are_shown_as_they_are(run, tmp_path):
    write_raw(tmp_path / 'raw', [NAME, 'a[bold]\nb'])
    status, out, err = run('raw', 'data.pkl', '--dataset', 'ntu60', '--report', 'r.json')
    assert status == 0
    assert 'skipped raw/a[bold]\\nb.skeleton: expected a name' in err
    assert 'a[bold]\\nb' in out
    assert list(report_of('r.json')['rejected']['bad name']['files']) == ['a[bold]\nb']
