"Package metadata, read from settings.ini so that it lives once."
from configparser import ConfigParser
from pathlib import Path
from shutil import copytree

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
ini = ConfigParser(delimiters=["="])
ini.read(here / "settings.ini", encoding="utf-8")
cfg = ini["DEFAULT"]



class BuildWithRuns(build_py):
    "Wheels carry the recorded runs as promptpo/recorded; a clone has them in data/runs."

    def run(self):
        super().run()
        if not self.editable_mode:
            copytree(here / "data" / "runs", Path(self.build_lib) / cfg["lib_name"] / "recorded", dirs_exist_ok=True)


setup(
    cmdclass={"build_py": BuildWithRuns},
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    license="Apache-2.0",
    keywords=cfg["keywords"],
    packages=find_packages(include=[cfg["lib_path"], cfg["lib_path"] + ".*"]),
    include_package_data=True,
    python_requires=">=" + cfg["min_python"],
    install_requires=cfg["requirements"].split(),
    extras_require={"dev": cfg["dev_requirements"].split(), **{k.removeprefix("extra_"): v.split() for k, v in cfg.items() if k.startswith("extra_")}},
    entry_points={
        "console_scripts": ["promptpo=promptpo.cli:main"],
        "nbdev": [f"{cfg['lib_path']}={cfg['lib_path']}._modidx:d"],
    },
    zip_safe=False,
)
