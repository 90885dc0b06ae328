"""The simulated registry's models: plausible facts of well-known ones, and as many more as asked.

Names, families, sizes and context lengths follow the public library so that the demo looks like
real use; the weights do not exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from ollamactl.simulator.manifests import Layer, Manifest, config_layer
from ollamactl.simulator.names import Name, require_name

MB = 1_000_000
GB = 1_000_000_000

TEXT: Final = ("completion",)
TOOLS: Final = ("completion", "tools")
THINK: Final = ("completion", "tools", "thinking")
REASON: Final = ("completion", "thinking")
VISION: Final = ("completion", "vision")
CODE: Final = ("completion", "insert")
EMBED: Final = ("embedding",)


@dataclass(frozen=True)
class Variant:
    """One weights file and the tags that name it."""

    tags: tuple[str, ...]
    parameter_size: str
    size: int
    quantization: str = "Q4_K_M"


@dataclass(frozen=True)
class Family:
    """A model of the catalogue with its variants; `name` may carry a host and namespace."""

    name: str
    family: str
    context_length: int
    embedding_length: int
    capabilities: tuple[str, ...]
    license: str
    variants: tuple[Variant, ...]
    projector: int = 0


def _variants(*rows: tuple[str, str, int] | tuple[str, str, int, str]) -> tuple[Variant, ...]:
    """Rows of (tags, parameter size, bytes[, quantisation])."""
    return tuple(Variant(tuple(row[0].split()), *row[1:]) for row in rows)


_MIT, _APACHE = "MIT License", "Apache License 2.0"
_LLAMA, _GEMMA = "Llama Community License Agreement", "Gemma Terms of Use"

FAMILIES: Final[tuple[Family, ...]] = (
    Family("smollm2", "llama", 8192, 576, TOOLS, _APACHE, _variants(
        ("135m 135m-instruct-f16", "134.52M", 271 * MB, "F16"),
        ("360m 360m-instruct-f16", "361.82M", 726 * MB, "F16"),
        ("latest 1.7b 1.7b-instruct-q8_0", "1.7B", 1820 * MB, "Q8_0"))),
    Family("qwen3", "qwen3", 40960, 1024, THINK, _APACHE, _variants(
        ("0.6b 0.6b-q4_K_M", "751.63M", 523 * MB), ("1.7b", "2.0B", 1359 * MB),
        ("4b", "4.0B", 2497 * MB), ("latest 8b 8b-q4_K_M", "8.2B", 5225 * MB),
        ("14b", "14.8B", 9276 * MB), ("30b 30b-a3b", "30.5B", 18556 * MB),
        ("32b", "32.8B", 20201 * MB))),
    Family("llama3.2", "llama", 131072, 3072, TOOLS, _LLAMA, _variants(
        ("1b 1b-instruct-q8_0", "1.2B", 1321 * MB, "Q8_0"),
        ("latest 3b 3b-instruct-q4_K_M", "3.2B", 2019 * MB))),
    Family("all-minilm", "bert", 512, 384, EMBED, _APACHE, _variants(
        ("latest 22m 22m-l6-v2-fp16", "23M", 46 * MB, "F16"),
        ("33m 33m-l12-v2-fp16", "33M", 67 * MB, "F16"))),
    Family("nomic-embed-text", "nomic-bert", 2048, 768, EMBED, _APACHE, _variants(
        ("latest v1.5 137m-v1.5-fp16", "137M", 274 * MB, "F16"))),
    Family("gemma3", "gemma3", 131072, 2560, VISION, _GEMMA, _variants(
        ("270m 270m-it-q8_0", "268.10M", 292 * MB, "Q8_0"), ("1b 1b-it", "999.89M", 815 * MB),
        ("latest 4b 4b-it-q4_K_M", "4.3B", 3338 * MB), ("12b", "12.2B", 8149 * MB),
        ("27b", "27.4B", 17396 * MB))),
    Family("llama3.1", "llama", 131072, 4096, TOOLS, _LLAMA, _variants(
        ("latest 8b 8b-instruct-q4_K_M", "8.0B", 4921 * MB),
        ("8b-instruct-q8_0", "8.0B", 8541 * MB, "Q8_0"), ("70b", "70.6B", 42520 * MB),
        ("405b", "405.9B", 243 * GB))),
    Family("llama3.3", "llama", 131072, 8192, TOOLS, _LLAMA, _variants(
        ("latest 70b 70b-instruct-q4_K_M", "70.6B", 42520 * MB + 1))),
    Family("llama3", "llama", 8192, 4096, TEXT, _LLAMA, _variants(
        ("latest 8b", "8.0B", 4661 * MB, "Q4_0"), ("70b", "70.6B", 39969 * MB, "Q4_0"))),
    Family("llama2", "llama", 4096, 4096, TEXT, _LLAMA, _variants(
        ("latest 7b 7b-chat-q4_0", "6.7B", 3826 * MB, "Q4_0"), ("13b", "13B", 7366 * MB, "Q4_0"))),
    Family("llama3.2-vision", "mllama", 131072, 4096, VISION, _LLAMA, _variants(
        ("latest 11b", "10.7B", 5963 * MB), ("90b", "87.7B", 52 * GB)), 1928 * MB),
    Family("llama4", "llama4", 10485760, 5120, ("completion", "vision", "tools"), _LLAMA,
        _variants(("latest 16x17b scout", "108.6B", 67 * GB))),
    Family("gpt-oss", "gptoss", 131072, 2880, THINK, _APACHE, _variants(
        ("latest 20b", "20.9B", 13793 * MB, "MXFP4"), ("120b", "116.8B", 65369 * MB, "MXFP4"))),
    Family("deepseek-r1", "qwen2", 131072, 3584, REASON, _MIT, _variants(
        ("1.5b", "1.8B", 1117 * MB), ("7b", "7.6B", 4683 * MB),
        ("latest 8b", "8.2B", 5225 * MB + 7), ("14b", "14.8B", 8988 * MB),
        ("32b", "32.8B", 19851 * MB), ("70b", "70.6B", 42520 * MB + 2),
        ("671b", "671.0B", 404 * GB))),
    Family("deepseek-coder-v2", "deepseek2", 163840, 2048, CODE, "DeepSeek License Agreement",
        _variants(("latest 16b", "15.7B", 8905 * MB, "Q4_0"))),
    Family("qwen2.5", "qwen2", 32768, 3584, TOOLS, _APACHE, _variants(
        ("0.5b", "494.03M", 398 * MB), ("1.5b", "1.5B", 986 * MB), ("3b", "3.1B", 1930 * MB),
        ("latest 7b", "7.6B", 4683 * MB + 3), ("14b", "14.8B", 8988 * MB + 3),
        ("32b", "32.8B", 19851 * MB + 3), ("72b", "72.7B", 47416 * MB))),
    Family("qwen2.5-coder", "qwen2", 32768, 3584, ("completion", "tools", "insert"), _APACHE,
        _variants(("0.5b", "494.03M", 398 * MB + 5), ("1.5b", "1.5B", 986 * MB + 5),
            ("latest 7b", "7.6B", 4683 * MB + 5), ("32b", "32.8B", 19851 * MB + 5))),
    Family("qwen2.5vl", "qwen25vl", 128000, 3584, VISION, _APACHE, _variants(
        ("3b", "3.8B", 3200 * MB), ("latest 7b", "8.3B", 5969 * MB))),
    Family("qwen3-coder", "qwen3moe", 262144, 2048, TOOLS, _APACHE, _variants(
        ("latest 30b", "30.5B", 18556 * MB + 4))),
    Family("qwen3-embedding", "qwen3", 32768, 1024, EMBED, _APACHE, _variants(
        ("0.6b", "595.78M", 639 * MB, "Q8_0"), ("latest 8b", "7.6B", 4676 * MB))),
    Family("qwq", "qwen2", 131072, 5120, TOOLS, _APACHE, _variants(
        ("latest 32b", "32.8B", 19851 * MB + 6))),
    Family("mistral", "llama", 32768, 4096, TOOLS, _APACHE, _variants(
        ("latest 7b 7b-instruct-v0.3-q4_K_M", "7.2B", 4372 * MB),
        ("7b-instruct-v0.3-q8_0", "7.2B", 7702 * MB, "Q8_0"))),
    Family("mistral-nemo", "llama", 1024000, 5120, TOOLS, _APACHE, _variants(
        ("latest 12b", "12.2B", 7071 * MB, "Q4_0"))),
    Family("mistral-small3.2", "mistral3", 131072, 5120, VISION, _APACHE, _variants(
        ("latest 24b", "24.0B", 15177 * MB))),
    Family("mixtral", "llama", 32768, 4096, TOOLS, _APACHE, _variants(
        ("latest 8x7b", "46.7B", 26442 * MB, "Q4_0"), ("8x22b", "141B", 79510 * MB, "Q4_0"))),
    Family("devstral", "llama", 131072, 5120, TOOLS, _APACHE, _variants(
        ("latest 24b", "23.6B", 14333 * MB))),
    Family("codestral", "llama", 32768, 6144, CODE, "Mistral AI Non-Production License",
        _variants(("latest 22b", "22.2B", 12569 * MB, "Q4_0"))),
    Family("gemma2", "gemma2", 8192, 3584, TEXT, _GEMMA, _variants(
        ("2b", "2.6B", 1629 * MB, "Q4_0"), ("latest 9b", "9.2B", 5443 * MB, "Q4_0"),
        ("27b", "27.2B", 15628 * MB, "Q4_0"))),
    Family("codegemma", "gemma", 8192, 3072, CODE, _GEMMA, _variants(
        ("2b", "2.5B", 1600 * MB, "Q4_0"), ("latest 7b", "8.5B", 5011 * MB, "Q4_0"))),
    Family("embeddinggemma", "gemma3", 2048, 768, EMBED, _GEMMA, _variants(
        ("latest 300m", "307.58M", 622 * MB, "BF16"))),
    Family("phi3", "phi3", 131072, 3072, TEXT, _MIT, _variants(
        ("latest 3.8b mini", "3.8B", 2176 * MB, "Q4_0"),
        ("14b medium", "14.0B", 7896 * MB, "Q4_0"))),
    Family("phi4", "phi3", 16384, 5120, TEXT, _MIT, _variants(
        ("latest 14b", "14.7B", 9053 * MB))),
    Family("phi4-mini", "phi3", 131072, 3072, TOOLS, _MIT, _variants(
        ("latest 3.8b", "3.8B", 2491 * MB))),
    Family("granite3.3", "granite", 131072, 4096, TOOLS, _APACHE, _variants(
        ("2b", "2.5B", 1545 * MB), ("latest 8b", "8.2B", 4943 * MB))),
    Family("tinyllama", "llama", 2048, 2048, TEXT, _APACHE, _variants(
        ("latest 1.1b", "1.1B", 637 * MB, "Q4_0"))),
    Family("moondream", "phi2", 2048, 2048, VISION, _APACHE, _variants(
        ("latest 1.8b", "1.4B", 828 * MB, "Q4_0")), 910 * MB),
    Family("llava", "llama", 32768, 4096, VISION, _APACHE, _variants(
        ("latest 7b", "7.2B", 4109 * MB, "Q4_0"), ("13b", "13B", 7366 * MB + 1, "Q4_0")), 624 * MB),
    Family("codellama", "llama", 16384, 4096, CODE, _LLAMA, _variants(
        ("latest 7b", "6.7B", 3825 * MB, "Q4_0"), ("13b", "13B", 7366 * MB + 2, "Q4_0"))),
    Family("starcoder2", "starcoder2", 16384, 3072, CODE, "BigCode OpenRAIL-M", _variants(
        ("latest 3b", "3.0B", 1710 * MB, "Q4_0"), ("7b", "7.2B", 4039 * MB, "Q4_0"))),
    Family("command-r", "command-r", 131072, 8192, TOOLS, "CC-BY-NC 4.0", _variants(
        ("latest 35b", "32.3B", 18644 * MB, "Q4_0"))),
    Family("mxbai-embed-large", "bert", 512, 1024, EMBED, _APACHE, _variants(
        ("latest 335m", "334M", 669 * MB, "F16"))),
    Family("bge-m3", "bert", 8192, 1024, EMBED, _MIT, _variants(
        ("latest 567m", "566.70M", 1157 * MB, "F16"))),
    Family("snowflake-arctic-embed2", "bert", 8192, 1024, EMBED, _APACHE, _variants(
        ("latest 568m", "566.70M", 1160 * MB, "F16"))),
    Family("hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF", "llama", 131072, 2048, TEXT, _LLAMA,
        _variants(("latest Q4_K_M", "1.24B", 808 * MB), ("Q8_0", "1.24B", 1322 * MB, "Q8_0"))),
    Family("hf.co/unsloth/Qwen3-4B-GGUF", "qwen3", 40960, 2560, THINK, _APACHE, _variants(
        ("latest Q4_K_M", "4.0B", 2497 * MB + 2), ("Q8_0", "4.0B", 4280 * MB, "Q8_0"))),
    Family("demo/assistant", "llama", 131072, 3072, TOOLS, _LLAMA, _variants(
        ("latest", "3.2B", 2019 * MB))),
)  # fmt: skip

_TEMPLATES: Final = {
    "completion": "{{ if .System }}<|system|>{{ .System }}{{ end }}<|user|>{{ .Prompt }}",
    "embedding": "{{ .Prompt }}",
}
# Models that run in Ollama's cloud: what is pulled is a stub of a few hundred bytes.
_CLOUD: Final = (
    ("gpt-oss", "120b-cloud", "gptoss", "116.8B"),
    ("qwen3-coder", "480b-cloud", "qwen3moe", "480B"),
    ("deepseek-v3.1", "671b-cloud", "deepseek2", "671B"),
)
# Weights that two families share, as a derived model shares its base's blobs.
_SAME_WEIGHTS: Final = {"demo/assistant": "llama3.2"}


def _texts(family: Family) -> list[Layer]:
    template = _TEMPLATES["embedding" if family.capabilities == EMBED else "completion"]
    layers = [
        Layer.of_content("template", template.encode()),
        Layer.of_content("license", f"{family.license}\n(simulated model)\n".encode()),
    ]
    if family.capabilities != EMBED:
        params = json.dumps({"stop": ["<|user|>", "<|assistant|>"], "temperature": 0.7})
        layers.append(Layer.of_content("params", params.encode()))
    if family.name in _SAME_WEIGHTS:
        layers.append(Layer.of_content("system", b"You are the demo's assistant."))
    return layers


def _manifest(family: Family, variant: Variant) -> Manifest:
    seed = _SAME_WEIGHTS.get(family.name, family.name)
    layers = [Layer.of_weights(seed, variant.size)]
    if family.projector:
        layers.append(Layer.of_weights(seed, family.projector, "projector"))
    layers += _texts(family)
    config = config_layer(
        family=family.family,
        parameter_size=variant.parameter_size,
        quantization=variant.quantization,
        context_length=family.context_length,
        embedding_length=family.embedding_length,
        capabilities=family.capabilities,
        layers=layers,
    )
    return Manifest.build(config, layers)


def known_models() -> Iterator[tuple[Name, Manifest]]:
    """Every tag of the catalogue; tags of one variant share their manifest."""
    for family in FAMILIES:
        base = require_name(family.name)
        for variant in family.variants:
            manifest = _manifest(family, variant)
            for tag in variant.tags:
                yield base.with_tag(tag), manifest
    for model, tag, family_name, parameter_size in _CLOUD:
        stub = config_layer(
            family=family_name,
            parameter_size=parameter_size,
            quantization="FP8",
            context_length=131072,
            embedding_length=4096,
            capabilities=TOOLS,
            layers=(),
            remote=("https://ollama.com:443", f"{model}:{tag.removesuffix('-cloud')}"),
        )
        yield require_name(f"{model}:{tag}"), Manifest.build(stub, ())


@cache
def _made_up_parts() -> tuple[Layer, tuple[Layer, ...]]:
    family = Family("sim", "llama", 8192, 2048, TOOLS, _MIT, ())
    texts = tuple(_texts(family))
    config = config_layer(
        family="llama",
        parameter_size="1.1B",
        quantization="Q4_K_M",
        context_length=8192,
        embedding_length=2048,
        capabilities=TOOLS,
        layers=texts,
    )
    return config, texts


def made_up_name(number: int) -> Name:
    """`sim-00042:latest`."""
    return Name("registry.ollama.ai", "library", f"sim-{number:05d}", "latest")


def made_up_model(number: int) -> Manifest:
    """A model that stands for one of many; its size grows with its number."""
    config, texts = _made_up_parts()
    size = 200 * MB + (number * 7_919_317) % (8 * GB)
    return Manifest.build(config, (Layer.of_weights(f"sim-{number}", size), *texts))


def plain_model(name: str, size: int, *, family: str = "llama", version: int = 1) -> Manifest:
    """A model of one weights layer, for tests; another `version` has another digest."""
    layers = (Layer.of_weights(f"{name.lower()} {version}", size),)
    config = config_layer(
        family=family,
        parameter_size="1.0B",
        quantization="Q4_0",
        context_length=4096,
        embedding_length=64,
        capabilities=EMBED if family == "bert" else TEXT,
        layers=layers,
    )
    return Manifest.build(config, layers)
