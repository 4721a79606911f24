"""In a checkout, ``zoo.plugins`` is the folder ``plugins/`` next to the package; a wheel contains the folder itself."""

from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "plugins"
if not _FOLDER.is_dir():
    raise ImportError(f"no folder {_FOLDER}: zoo/plugins.py belongs to a checkout with plugins/ next to zoo/")
__path__ = [str(_FOLDER)]
