"""Hub models: whether they may be opened, what of them is downloaded, and how far that is.

The only file that asks another host, and only for a model that somebody named. Opens nothing.
"""

import errno
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, get_cached_repo_tree
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils.tqdm import disable_progress_bars

from model_runtime.errors import (
    CannotBeKept,
    Gated,
    HeadlightError,
    HubNotListed,
    HubOff,
    ModelNotFound,
    NoSafetensors,
    NotACheckpoint,
    Offline,
    RevisionNotFound,
    TooLargeToDownload,
)
from model_runtime.huggingface.memory import (
    FLOAT32,
    INDEX,
    WEIGHTS,
    ensure_weights_fit,
    in_words,
)
from model_runtime.huggingface.references import Reference
from model_runtime.recording import Progress, Report
from model_runtime.settings import PREFIX, Settings

_SECONDS = 10.0  # that the Hub may take to answer
_TICK = 0.2  # seconds between two reports
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
# What configs and tokenizers are kept in. Nothing that runs, and nothing in folders.
_SMALL = re.compile(
    r"[\w.-]+\.(json|txt|model|jinja|tiktoken|vocab|spm|codes|tokenizer)|README\.md"
)
_NOT_NEEDED = re.compile(r"adapter_config\.json|.*\.bin\.index\.json|.*\.(onnx|msgpack)\.json")
_LARGEST_SMALL = 2**27  # bytes; no tokenizer is larger

# What a disk says that is full, read-only, or no place for a folder. The network has others.
_DISK = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM,
    errno.ENOTDIR, errno.EEXIST, errno.EIO,
}  # fmt: skip

_promised: dict[int, int] = {}  # downloads under way, and the bytes that they may still take
_lock = threading.Lock()


def fetched(reference: Reference, report: Report, allowed: Settings) -> Path:
    """The folder of a Hub model, named by its commit; downloaded if it is not there yet.

    Without a network a model that was downloaded before is found. Raises a HeadlightError.
    """
    _ensure_allowed(reference, allowed)
    disable_progress_bars()  # the log is no place for them
    # False and not None: then a login that this machine may have is not used.
    token = allowed.hub_token.get_secret_value() if allowed.hub_token else False
    api = HfApi(token=token, library_name="headlight")
    problem: HeadlightError
    try:
        revision = api.resolve_revision(
            reference.name, revision=reference.revision, cache_dir=allowed.downloads
        )
        kept = _kept(reference.name, revision, allowed)
        if kept:
            return kept
        info = api.model_info(
            reference.name, revision=revision.resolved, files_metadata=True, timeout=_SECONDS
        )
        files = _ensure_fits(info, reference, allowed)
        with _room(sum(files.values()), reference, allowed):
            return _downloaded(api, reference, revision, files, report, allowed)
    except HeadlightError:
        raise
    except (RevisionResolutionError, HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        problem = _said(error, reference, allowed)
    raise problem  # out here, for within the block it would keep the other one alive


def _ensure_allowed(reference: Reference, allowed: Settings) -> None:
    """Raise HubOff or HubNotListed, before anything leaves the machine."""
    if allowed.hub == "off":
        raise HubOff(ref=str(reference), setting=f"{PREFIX}HUB")
    listed = any(fnmatchcase(reference.name, pattern) for pattern in allowed.hub_models)
    if allowed.hub == "list" and not listed:
        names = ", ".join(allowed.hub_models) or "–"
        raise HubNotListed(ref=str(reference), allowed=names, setting=f"{PREFIX}HUB_MODELS")


def _said(error: BaseException, reference: Reference, allowed: Settings) -> HeadlightError:
    """What went wrong on the way from the Hub to the disk, as one of ours."""
    ref = str(reference)
    if isinstance(error, RevisionResolutionError):
        error = error.__cause__ or error  # what kept the client from asking
    if isinstance(error, GatedRepoError):  # which is a kind of “not found”
        return Gated(ref=ref, setting=f"{PREFIX}HUB_TOKEN")
    if isinstance(error, RevisionNotFoundError):
        return RevisionNotFound(model=reference.name, revision=reference.revision or "main")
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        # 401 is what strangers are told of all that they may not see, whether it is there or not.
        is_known = status not in (401, 404) and not isinstance(error, RepositoryNotFoundError)
        return Offline(ref=ref, why=f"HTTP {status}") if is_known else ModelNotFound(ref=ref)
    if isinstance(error, OSError) and error.errno in _DISK:
        return CannotBeKept(
            ref=ref,
            folder=str(allowed.downloads),
            why=os.strerror(error.errno),
            setting=f"{PREFIX}DOWNLOADS",
        )
    return Offline(ref=ref, why=type(error).__name__)


def _kept(name: str, revision: str, allowed: Settings) -> Path | None:
    """The folder of a model that was downloaded whole before, without asking anybody."""
    try:
        tree = get_cached_repo_tree(name, revision=revision, cache_dir=allowed.downloads)
        files = wanted({file.path: file.size for file in tree})
        return Path(
            HfApi(token=False).snapshot_download(
                name,
                revision=revision,
                cache_dir=allowed.downloads,
                allow_patterns=list(files),
                local_files_only=True,
            )
        )
    except (CachedRepoTreeNotFoundError, LocalEntryNotFoundError):
        return None


def wanted(files: Mapping[str, int]) -> dict[str, int]:
    """Of all files of a model, with their sizes, those that are needed to open it: config and
    tokenizer, and one set of weights where there are many."""
    needed = {
        name: size
        for name, size in files.items()
        if _SMALL.fullmatch(name) and not _NOT_NEEDED.fullmatch(name) and size <= _LARGEST_SMALL
    }
    if WEIGHTS in files:
        needed.pop(INDEX, None)
        return needed | {WEIGHTS: files[WEIGHTS]}
    if INDEX in files:
        needed |= {name: size for name, size in files.items() if _SHARD.fullmatch(name)}
    return needed


def _ensure_fits(info: ModelInfo, reference: Reference, allowed: Settings) -> dict[str, int]:
    """The files to download, if they are a checkpoint that may be opened and would fit into
    memory. Raises Gated, NotACheckpoint, NoSafetensors and TooLarge."""
    ref = str(reference)
    if info.gated and not allowed.hub_token:
        raise Gated(ref=ref, setting=f"{PREFIX}HUB_TOKEN")
    files = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    needed = wanted(files)
    weights = [size for name, size in needed.items() if name.endswith(".safetensors")]
    if "config.json" not in needed:
        raise NotACheckpoint(ref=ref, found=_some(files))
    if not weights:
        raise NoSafetensors(ref=ref, found=_some(files))
    # The exact figure where the Hub has it; the files may hold 16 bits, which will be 32.
    exact = info.safetensors.total * FLOAT32 if info.safetensors else 0
    ensure_weights_fit(max(exact, sum(weights)), allowed.memory, ref)
    return needed


def _some(files: Mapping[str, int], most: int = 8) -> str:
    names = sorted(name for name in files if not name.startswith("."))
    return ", ".join(names[:most]) + (", …" if len(names) > most else "") or "–"


@contextmanager
def _room(needed: int, reference: Reference, allowed: Settings) -> Iterator[None]:
    """Hold `needed` bytes of disk while the block runs. Raises TooLargeToDownload."""
    allowed.downloads.mkdir(parents=True, exist_ok=True)
    me = threading.get_ident()
    with _lock:
        taken = _held(allowed.downloads) + sum(_promised.values())
        free = min(allowed.disk - taken, shutil.disk_usage(allowed.downloads).free)
        if needed > free:
            raise TooLargeToDownload(
                ref=str(reference),
                needed=in_words(needed),
                free=in_words(max(0, free)),
                budget=in_words(allowed.disk),
                setting=f"{PREFIX}DISK",
            )
        _promised[me] = needed
    try:
        yield
    finally:
        with _lock:
            del _promised[me]


def _held(folder: Path) -> int:
    """Bytes of the files in a folder; those that are only links take none."""
    held = 0
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except OSError:  # gone in the meantime: the part of a download that ended
            continue
        if path.is_file() and not path.is_symlink():
            held += status.st_size
    return held


def _downloaded(
    api: HfApi,
    reference: Reference,
    revision: str,
    files: Mapping[str, int],
    report: Report,
    allowed: Settings,
) -> Path:
    """Download the files into the cache; raises what the Hub's client raises.

    How far it is, is seen by what is on disk, for the client's own bars differ by protocol.
    """
    cache = allowed.downloads / f"models--{reference.name.replace('/', '--')}"
    total, before = sum(files.values()), _held(cache)
    with ThreadPoolExecutor(1, thread_name_prefix="download") as pool:
        folder = pool.submit(
            api.snapshot_download,
            reference.name,
            revision=revision,
            cache_dir=allowed.downloads,
            allow_patterns=list(files),
            etag_timeout=_SECONDS,
            max_workers=2,
        )
        report(Progress("downloading", 0, total))
        while not wait([folder], timeout=_TICK).done:
            report(Progress("downloading", min(total, _held(cache) - before), total))
        return Path(folder.result())
