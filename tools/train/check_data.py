"""Render everything that is shipped once more and compare it, byte for byte, with what lies in test-models.

    python check_data.py

Ends with status 1 when a file differs. Another Pillow may draw or compress otherwise: use the versions of requirements.txt.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = HERE.parents[1] / "test-models"

# The script that draws each data set, and the folder that ships it.
SETS = {
    "render_objects.py": "objects-cnn",
    "render_scenes.py": "scenes-yolov3-tiny",
    "render_patches.py": "patches-espcn",
    "render_glyphs.py": "glyphs-crnn",
}


def compare(script: str, folder: str) -> bool:
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([sys.executable, str(HERE / script), "ship", "--out", out], check=True, stdout=subprocess.DEVNULL)
        drawn = sorted(Path(out).iterdir())
        same = [(MODELS / folder / file.name).read_bytes() == file.read_bytes() for file in drawn]
    for file, is_same in zip(drawn, same):
        print(f"{folder}/{file.name}: {'the same' if is_same else 'DIFFERS'}", flush=True)
    return bool(drawn) and all(same)


def main() -> None:
    results = [compare(script, folder) for script, folder in SETS.items()]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
