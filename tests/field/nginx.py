"""An origin that people use: nginx with its RTMP module, fed by ffmpeg.

It keeps no group: a viewer who joins waits for the next key frame.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.field.bed import SENDER, Host
from tests.field.rtmp import APPLICATION, STREAM
from tests.field.show import FRAMES_PER_S, SOUND_MBPS, Show
from tests.field.work import killed_at_the_end

PORT = 1935
MODULES = (
    Path("/usr/lib/nginx/modules/ngx_rtmp_module.so"),
    Path("/usr/lib64/nginx/modules/ngx_rtmp_module.so"),
    Path("/usr/share/nginx/modules/ngx_rtmp_module.so"),
)
LOOP_S = 20
"""Of encoded show, sent again and again."""
READY_S = 20.0
_SETTINGS = """
load_module {module};
daemon off; master_process off; worker_processes 1;
pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
rtmp {{ access_log off; server {{ listen {address}:{port}; chunk_size 4096; max_message 4M;
  application {application} {{ live on; wait_key on; wait_video on; record off; }} }} }}
"""


def missing() -> str | None:
    """Why there is no nginx with RTMP here, or None."""
    if _module() is None:
        return "nginx's RTMP module is not installed (libnginx-mod-rtmp)"
    for tool in ("nginx", "ffmpeg"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    return None


def _module() -> Path | None:
    return next((path for path in MODULES if path.is_file()), None)


def encode(show: Show, folder: Path) -> Path:
    """A test picture and a tone at the show's bitrate, filled up where the picture is simple."""
    file = folder / f"show_{show.rate_mbps}_{show.gop_s}.flv"
    kbps, sound_kbps = round(1000 * (show.rate_mbps - SOUND_MBPS)), round(1000 * SOUND_MBPS)
    command = (
        "ffmpeg -v error -y "
        f"-f lavfi -i testsrc2=size=640x360:rate={FRAMES_PER_S} "
        f"-f lavfi -i anoisesrc=sample_rate=48000 -t {LOOP_S} "
        "-c:v libx264 -preset ultrafast -tune zerolatency -x264-params nal-hrd=cbr "
        f"-b:v {kbps}k -minrate {kbps}k -maxrate {kbps}k -bufsize {kbps}k "
        f"-g {show.group} -keyint_min {show.group} -sc_threshold 0 "
        f"-c:a aac -b:a {sound_kbps}k"
    )
    subprocess.run([*command.split(), str(file)], check=True)
    return file


@contextlib.contextmanager
def serving(host: Host, encoded: Path, congestion: str, folder: Path) -> Iterator[None]:
    """Returns when the first frames have arrived at nginx.

    nginx sets no congestion control of its own: the route does, whatever the kernel allows.
    """
    settings = folder / "nginx.conf"
    settings.write_text(
        _SETTINGS.format(module=_module(), folder=folder, address=SENDER, port=PORT,
                         application=APPLICATION)
    )  # fmt: skip
    host.run(f"ip route change 10.2.0.0/16 via 10.1.0.2 congctl {congestion}")
    target = f"rtmp://{SENDER}:{PORT}/{APPLICATION}/{STREAM}"
    with contextlib.ExitStack() as running:
        with host.inside():
            server = subprocess.Popen(
                ["nginx", "-c", settings, "-p", folder], stderr=subprocess.PIPE
            )
            running.enter_context(killed_at_the_end(server))
            running.enter_context(killed_at_the_end(_push(server, encoded, target)))
        yield


def _push(server: subprocess.Popen[bytes], encoded: Path, target: str) -> subprocess.Popen[bytes]:
    """ffmpeg, once it has sent a second: it says how far it is."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", str(encoded)]
    command += ["-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize"]
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        if server.poll() is not None:
            raise OSError(f"nginx ended: {server.communicate()[1].decode()}")
        time.sleep(0.5)
        source = subprocess.Popen([*command, target], stderr=subprocess.PIPE)
        time.sleep(1.0)
        if source.poll() is None:
            return source
    raise OSError(f"ffmpeg can't push to nginx: {source.communicate()[1].decode()}")
