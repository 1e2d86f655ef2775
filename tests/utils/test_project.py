import pytest
from mmengine.config import Config

from csre_mm.apis import get_config
from csre_mm.utils.config import read_config
from csre_mm.utils.errors import InputError
from csre_mm.utils.project import call_of, config_names, find_config
from tests.conftest import ROOT, config


@pytest.mark.parametrize(
    'name', ['csre_hcn_ntu60', 'csre_hcn_ntu60.py', 'configs/csre_hcn_ntu60.py']
)
def test_a_shipped_config_is_found_from_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name) == config('csre_hcn_ntu60')
    assert read_config(name).filename == get_config(name).filename == str(find_config(name))


def test_names_are_those_of_the_files():
    assert 'csre_ctrgcn_demo' in config_names() and config_names() == sorted(config_names())
    assert find_config('_base_/models/hcn') == ROOT / 'configs/_base_/models/hcn.py'


@pytest.mark.parametrize('read', [read_config, get_config])
def test_near_names_are_in_the_message(read):
    with pytest.raises(InputError, match=r'^no such config: csre_hcn60, did you mean csre_hcn_\w+'):
        read('csre_hcn60')
    with pytest.raises(InputError, match=r'^no such config: nowhere\.py$'):
        read('nowhere.py')


def test_a_file_overrides_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'hcn_ntu60.py').write_text('mine = True\n')
    assert read_config('hcn_ntu60.py').mine
    assert 'mine' not in get_config('hcn_ntu60.py')


def test_a_base_by_name_gives_what_its_path_gives(tmp_path):
    (tmp_path / 'own.py').write_text("_base_ = 'csre_mm::csre_hcn_ntu60.py'\n")
    own = Config.fromfile(tmp_path / 'own.py')
    assert own.to_dict() == Config.fromfile(config('csre_hcn_ntu60')).to_dict()
    (tmp_path / 'own.py').write_text("_base_ = 'csre_mm::csre_hcn_ntu6.py'\n")
    with pytest.raises(InputError, match=r'no such config: csre_hcn_ntu6\.py, did you mean'):
        read_config(tmp_path / 'own.py')


def test_commands_are_printed_as_they_are_called(monkeypatch, tmp_path):
    assert call_of('train.py') == ['python', 'tools/train.py']
    monkeypatch.setattr('csre_mm.utils.project.ROOT', tmp_path / '.mim')
    assert call_of('export_onnx.py') == ['csre-mm', 'export-onnx']
