"""What whoever runs Headlight allows: which checkpoints, from where, and how much memory.

Read once from `headlight.toml` in the working directory and from HEADLIGHT_… in the environment,
which comes first. Knows neither models nor the screen. docs/decisions/0011 says why the defaults
are what they are.
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ByteSize, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from model_runtime.errors import UnusableSettings

PREFIX = "HEADLIGHT_"
FILE = "headlight.toml"
PROJECT = Path(__file__).resolve().parent.parent
GIB = 2**30

Bytes = Annotated[ByteSize, Field(gt=0)]  # a number, or a text such as "4 GiB"


class Settings(BaseSettings):
    """All settings, checked. In the environment, lists are separated by commas, and folders as
    in PATH."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=FILE, frozen=True, extra="forbid", validate_default=True
    )

    # Whether Hub models may be opened: any, those in `hub_models`, or none.
    hub: Literal["on", "list", "off"] = "on"
    hub_models: Annotated[tuple[str, ...], NoDecode] = ()  # "org/name", or patterns: "org/*"
    # For gated models. Everybody who reaches the app can then open what the token can; without
    # it no token is used, nor the login that this machine may have.
    hub_token: SecretStr | None = None
    # Where Hub models are kept. A folder of its own: in the one that other programs share there
    # may be private models, which not everybody who reaches the app is to see.
    downloads: Path = PROJECT / "build" / "hub"
    disk: Bytes = ByteSize(8 * GIB)  # the most that all Hub models kept may take
    # The folders in which, at any depth, local checkpoints may be opened.
    local_roots: Annotated[tuple[Path, ...], NoDecode] = (PROJECT / "checkpoints",)
    memory: Bytes = ByteSize(4 * GIB)  # for the weights of all opened models together
    trace_memory: Bytes = ByteSize(GIB // 2)  # for all kept traces together
    max_tokens: int = Field(default=2048, ge=16)  # of one text, if the model reads as many

    @field_validator("hub_models", mode="before")
    @classmethod
    def _models(cls, value: object) -> object:
        return _parts(value, ",")

    @field_validator("local_roots", mode="before")
    @classmethod
    def _folders(cls, value: object) -> object:
        return _parts(value, os.pathsep)

    @field_validator("downloads", "local_roots", mode="after")
    @classmethod
    def _absolute(cls, value: Path | tuple[Path, ...]) -> Path | tuple[Path, ...]:
        """From the working directory of the start on, whatever it is later."""
        if isinstance(value, Path):
            return value.expanduser().absolute()
        return tuple(path.expanduser().absolute() for path in value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file, and nothing else."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


@cache
def settings() -> Settings:
    """The settings, read at the first call. Raises UnusableSettings, which says what to mend."""
    return read()


def read() -> Settings:
    """The settings as they are now. Raises UnusableSettings."""
    problems = [f"{name}: there is no such setting" for name in _unknown(os.environ)]
    try:
        found = Settings()
    except ValidationError as error:
        # The value itself is left out: it might be the token.
        problems += [f"{_name(e['loc'])}: {e['msg']}" for e in error.errors()]
    except (ValueError, OSError, RuntimeError) as error:  # no TOML, no UTF-8, "~nobody"
        problems.append(f"{FILE}: {error}")
    if problems:
        raise UnusableSettings(file=FILE, prefix=PREFIX, problems="; ".join(problems))
    return found


def _unknown(environment: Iterable[str]) -> list[str]:
    """Names in the environment that look like settings and are none: a slip of the pen must not
    leave open what was meant to be closed."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _name(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)).removeprefix(PREFIX.lower())


def _parts(value: object, separator: str) -> object:
    """A text as a list of its parts; anything else as it is."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(separator) if part.strip())
