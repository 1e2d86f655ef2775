import shlex

import pytest
import yaml
from mmengine.config import Config

from csre_mm.utils.errors import InputError
from results_pages.metafile import fill_command, make_metafiles, write_metafile
from results_pages.pages import fill_blocks, missing_table, overview, result_tables
from results_pages.zoo import config_names, split_name
from tests.conftest import ROOT
from tests.experiments.made_results import experiment, make_results


def model_of(files, encoder, name):
    return next(model for model in files[encoder]['Models'] if model['Name'] == name)


def test_every_shipped_config_is_in_a_metafile():
    files = make_metafiles({}, ROOT)
    listed = {model['Config'] for file in files.values() for model in file['Models']}
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / 'configs').glob('*.py')}
    assert listed == {path for path in shipped if not path.endswith(('_demo.py', '_own.py'))}
    assert not any(model['Results'] for file in files.values() for model in file['Models'])


def test_a_measured_model():
    files = make_metafiles({'hcn.json': make_results()}, ROOT)
    assert [model['Name'] for model in files['hcn']['Models'][:3]] == [
        'hcn_nwucla-2e',
        'csre_hcn_nwucla-2e',
        'hcn_utd_mhad',
    ]
    csre = model_of(files, 'hcn', 'csre_hcn_nwucla-2e')
    about, (val, clean) = csre['Metadata'], csre['Results']
    assert csre['Config'] == 'configs/csre_hcn_nwucla.py'
    assert csre['Training Log'] == 'docs/results/hcn.json'
    assert (about['Epochs'], about['Epochs of the Recipe']) == (2, 400)
    assert about['Seeds'] == [0, 1, 2] and about['Training Time of All Seeds (minutes)'] == 3.0
    assert val['Dataset'] == 'NW-UCLA val (8)' and clean['Dataset'] == 'NW-UCLA val_clean (6)'
    assert val['Metrics']['Top 1 Accuracy'] == 75.0
    assert val['Metrics']['Change over Baseline'] == 12.5
    text = write_metafile(files['hcn'])
    assert yaml.safe_load(text) == files['hcn']


def test_held_out_subjects_are_no_result_of_a_config():
    files = make_metafiles({'study.json': make_results(held_out=True)}, ROOT)
    assert model_of(files, 'hcn', 'hcn_nwucla')['Results'] == []


def test_a_full_recipe_and_another_stream_are_named_so():
    results = make_results(experiments=[experiment('baseline', 0, 1, 1, stream='b')])
    results.experiments[0].epochs = {'last': [400], 'best': [1]}
    files = make_metafiles({'hcn.json': results}, ROOT)
    assert files['hcn']['Models'][0]['Name'] == 'hcn_nwucla-b'


@pytest.mark.parametrize('name', config_names())
def test_the_command_of_an_empty_row(name):
    words = shlex.split(fill_command(name))
    assert words[0] == 'python' and (ROOT / words[1]).is_file() and (ROOT / words[2]).is_file()
    assert words[2] == f'configs/{name}.py'
    assert Config.fromfile(ROOT / f'configs/csre_{name}.py').model.neck.type == 'CSRENeck'


def test_names_that_are_no_configs():
    for name in ('hcn', 'hcn_demo', 'csre_hcn_nwucla'):
        with pytest.raises(ValueError, match='no config of an encoder'):
            split_name(name)


def test_the_overview_has_a_line_for_each_set_of_samples():
    lines = overview(make_metafiles({'hcn.json': make_results()}, ROOT)).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith('| `hcn_nwucla` | NW-UCLA val (8) | 2 of 400 | 3 | 62.50 | 75.00 |')
    assert ' +12.50 | ' in lines[2]


def test_the_tables_of_a_results_file():
    text = result_tables(make_results())
    assert '| `hcn_nwucla` | j | baseline | 0 1 2 | 62.50 | 12.50 |  |  |' in text
    assert '| `light` | `model.neck.loss.loss_weight=0.1` |' in text
    assert text.index('last epoch:') < text.index('**on these same samples**')
    assert '| `hcn_nwucla` | csre | `c0ffee` | box | 2 | 3 | 1.0 |' in text
    assert '| `hcn_nwucla` | light | `c0ffee` | box | 2 | 1 |  |' in text  # one attempt was killed


def test_missing_rows_are_those_that_nobody_ran():
    text = missing_table([make_results()])
    assert '`hcn_nwucla' not in text and 'configs/hcn_ntu60.py' in text
    assert 'configs/hcn_nwucla.py' in missing_table([make_results(held_out=True)])
    assert len(text.splitlines()) == 2 + len(config_names()) - 1


def test_blocks_are_filled_again_and_again():
    page = 'a\n<!-- results: x -->\nold\n<!-- end of results -->\nb\n'
    filled = fill_blocks(page, {'x': '| t |\n'}, 'page.md')
    assert filled == 'a\n<!-- results: x -->\n\n| t |\n\n<!-- end of results -->\nb\n'
    assert fill_blocks(filled, {'x': '| t |\n'}, 'page.md') == filled
    with pytest.raises(InputError, match=r"page\.md: there are no results 'x' in docs/results"):
        fill_blocks(page, {}, 'page.md')
    dotted = page.replace(': x', ': x.y')
    assert '| t |' in fill_blocks(dotted, {'x.y': '| t |\n'}, 'page.md')
    with pytest.raises(InputError, match=r'page\.md: it has 2 marks and 1 ends'):
        fill_blocks('<!-- results: x -->\nprose\n' + page, {'x': ''}, 'page.md')


def test_the_overview_does_not_depend_on_the_order_of_the_runs():
    results = make_results()
    expected = overview(make_metafiles({'hcn.json': results}, ROOT))
    results.experiments.reverse()
    assert overview(make_metafiles({'hcn.json': results}, ROOT)) == expected
    results.experiments[:] = [e for e in results.experiments if e.variant != 'baseline']
    assert 'hcn_nwucla' not in overview(make_metafiles({'hcn.json': results}, ROOT))
