import subprocess
import sys

from csre_mm import apis


def test_all_names_exist_and_none_hides_a_module():
    assert sorted(apis.__all__) == sorted(set(apis.__all__))
    for name in apis.__all__:
        assert getattr(apis, name).__class__.__name__ != 'module'


def test_the_package_imports_what_commands_need_only_when_asked():
    code = (
        'import sys\n'
        'sys.modules.update(imageio_ffmpeg=None, sklearn=None)  # an import of these fails\n'
        'import csre_mm\n'
        'heavy = {"csre_mm.apis", "csre_mm.visualization", "csre_mm.experiments", "matplotlib"}\n'
        'assert not heavy & set(sys.modules), heavy & set(sys.modules)\n'
        'csre_mm.apis.publish, csre_mm.visualization.draw_timeline, csre_mm.experiments\n'
        'assert not hasattr(csre_mm, "nothing")\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
