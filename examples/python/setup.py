"""Builds the package with what it carries: the library, and the trainer if it is wanted.

CHARGEN_LIBRARY    the library to carry; without it that of the source tree, if it has been built.
                   A package without a library looks for one in the system's search path.
CHARGEN_TRAINER    the trainer to carry; without it none.
CHARGEN_PLATFORM   the platform of a wheel, such as manylinux_2_17_x86_64; without it this one.
"""

import os
import pathlib
import re
import shutil

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # Before version 70.1.
    from wheel.bdist_wheel import bdist_wheel

ROOT = pathlib.Path(__file__).resolve().parents[2]


def version() -> str:
    """That of the header: 0.2.0-dev becomes 0.2.0.dev0."""
    header = (ROOT / "include" / "chargen.h").read_text(encoding="utf-8")
    numbers = re.findall(r"#define CHARGEN_VERSION_\w+ (\d+)", header)
    suffix = re.search(r'#define CHARGEN_VERSION_SUFFIX "(.*)"', header)
    return ".".join(numbers) + (".dev0" if suffix and suffix[1] else "")


class Build(build_py):
    def run(self) -> None:
        super().run()
        library = os.environ.get("CHARGEN_LIBRARY") or ROOT / "build" / "libchargen.so"
        carried = {"libchargen.so": pathlib.Path(library), "trainer": pathlib.Path(os.environ.get("CHARGEN_TRAINER", ""))}
        for name, source in carried.items():
            target = pathlib.Path(self.build_lib) / "chargen" / name
            target.unlink(missing_ok=True)
            if source.is_file():
                shutil.copy2(source, target)


class Wheel(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        # The same for every Python 3: nothing is compiled against it.
        return "py3", "none", os.environ.get("CHARGEN_PLATFORM") or super().get_tag()[2]


class Carrying(Distribution):
    def has_ext_modules(self) -> bool:
        return True


setup(version=version(), cmdclass={"build_py": Build, "bdist_wheel": Wheel}, distclass=Carrying)
