"""A real SFU: Janus, whose streaming plugin sends each packet it gets to all viewers.

Without encryption, so that a viewer is a socket; order, pace, memory and answers to NACKs are its
own. Viewers get their tickets before the show, so that start-up is from the first packet they send.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.field.bed import SENDER, Host, viewer_address
from tests.field.rtp import OUR_NAME, OUR_SECRET, SOUND_TYPE, VIDEO_TYPE, Ticket, rtp
from tests.field.show import FRAMES_PER_S, Kind, Show
from tests.field.udp import HEAD, PORT, Packet, Sent, packets_of
from tests.field.work import killed_at_the_end

FOLDERS = (Path("/usr/lib/x86_64-linux-gnu/janus"), Path("/usr/lib/aarch64-linux-gnu/janus"),
           Path("/usr/lib64/janus"), Path("/usr/lib/janus"))  # fmt: skip
API_PORT, SOUND_PORT, VIDEO_PORT = 8088, 5102, 5104
VIDEO_HZ, SOUND_HZ = 90_000, 48_000
READY_S = 10.0
_SETTINGS = """
general: {{ configs_folder = "{folder}"; plugins_folder = "{folder}/plugins";
  transports_folder = "{folder}/transports"; debug_level = 3; session_timeout = 0; }}
media: {{ min_nack_queue = 1000; rtp_port_range = "20000-40000"; }}
nat: {{ ice_lite = true; ice_enforce_list = "{address}"; ignore_mdns = true; }}
"""
_API = """
general: {{ json = "compact"; base_path = "/janus"; http = true; port = {port}; ip = "127.0.0.1"; }}
"""
_SHOW = """
show: {{ type = "rtp"; id = 1; description = "show"; media = (
  {{ type = "audio"; mid = "a"; port = {sound}; pt = {sound_type}; codec = "opus"; }},
  {{ type = "video"; mid = "v"; port = {video}; pt = {video_type}; codec = "h264";
     fmtp = "packetization-mode=1"; }} ); }}
"""


def missing() -> str | None:
    """Why there is no Janus here, or None."""
    if shutil.which("janus") is None or _folder() is None:
        return "janus is not installed"
    return None


def _folder() -> Path | None:
    return next((at for at in FOLDERS if (at / "plugins/libjanus_streaming.so").exists()), None)


@contextlib.contextmanager
def serving(host: Host, folder: Path) -> Iterator[None]:
    """Returns when it answers. Only what is needed is loaded."""
    installed = _folder()
    assert installed is not None, "see missing"
    for kind, name in (("plugins", "libjanus_streaming.so"), ("transports", "libjanus_http.so")):
        (folder / kind).mkdir()
        (folder / kind / name).symlink_to(installed / kind / name)
    ports = {"sound": SOUND_PORT, "video": VIDEO_PORT}
    types = {"sound_type": SOUND_TYPE, "video_type": VIDEO_TYPE}
    (folder / "janus.jcfg").write_text(_SETTINGS.format(folder=folder, address=SENDER))
    (folder / "janus.transport.http.jcfg").write_text(_API.format(port=API_PORT))
    (folder / "janus.plugin.streaming.jcfg").write_text(_SHOW.format(**ports, **types))
    with contextlib.ExitStack() as running:
        with host.inside(), (folder / "log").open("wb") as log:
            server = subprocess.Popen(["janus", "-F", folder, "-o", "-w"], stdout=log, stderr=log)
            running.enter_context(killed_at_the_end(server))
            _wait_until_it_answers(server, folder / "log")
        yield


def _wait_until_it_answers(server: subprocess.Popen[bytes], log: Path) -> None:
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError):
            _ask("", {"janus": "info"})
            return
        time.sleep(0.1)
    raise OSError(f"janus does not answer: {log.read_text(errors='replace')[-1000:]}")


def _ask(path: str, said: dict[str, Any] | None = None) -> dict[str, Any]:
    """Say something, or (None) wait for what it has to say."""
    data = None if said is None else json.dumps({"transaction": "t", **said}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{API_PORT}/janus{path}", data=data)
    with urllib.request.urlopen(request, timeout=READY_S) as answer:
        told: dict[str, Any] = json.load(answer)
    if told.get("janus") == "error":
        raise OSError(f"janus: {told['error']['reason']}")
    return told


def tickets(viewers: int) -> list[Ticket]:
    """An offer accepted for each. To be called on the server's own host."""
    return [_ticket(viewer) for viewer in range(viewers)]


def _ticket(viewer: int) -> Ticket:
    session = f"/{_ask('', {'janus': 'create'})['data']['id']}"
    attached = _ask(session, {"janus": "attach", "plugin": "janus.plugin.streaming"})
    handle = f"{session}/{attached['data']['id']}"
    _ask(handle, {"janus": "message", "body": {"request": "watch", "id": 1}})
    offer = _offer(session)
    found = {
        name: re.search(pattern, offer)
        for name, pattern in (
            ("name", r"a=ice-ufrag:(\S+)"),
            ("secret", r"a=ice-pwd:(\S+)"),
            ("port", rf"a=candidate:\S+ 1 udp \d+ {re.escape(SENDER)} (\d+) typ host"),
        )
    }
    name, secret, port = (match.group(1) if match else "" for match in found.values())
    if not (name and secret and port):
        raise OSError(f"janus offers no way in: {offer}")
    answer = {"type": "answer", "sdp": _answer(offer, viewer)}
    _ask(handle, {"janus": "message", "body": {"request": "start"}, "jsep": answer})
    return Ticket((SENDER, int(port)), name, secret)


def _offer(session: str) -> str:
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        if "jsep" in (told := _ask(session)):
            return str(told["jsep"]["sdp"])
    raise OSError("janus offers nothing")


def _answer(offer: str, viewer: int) -> str:
    """The offer from the other side, with our secrets and our address.

    Repetitions as they were, not as a stream of their own (RFC 4588): they are two bytes smaller.
    """
    again = re.search(r"a=fmtp:(\d+) apt=", offer)
    repeated = again.group(1) if again else "none"
    lines = []
    for line in offer.splitlines():
        if line.startswith(("a=candidate", "a=end-of", "a=ssrc", "a=ice-lite", "a=msid")):
            continue
        if line.startswith((f"a=rtpmap:{repeated} ", f"a=fmtp:{repeated} ")):
            continue
        line = re.sub(rf"^(m=video .*) {repeated}$", r"\1", line)
        line = re.sub(r"^a=ice-ufrag:.*", f"a=ice-ufrag:{OUR_NAME}", line)
        line = re.sub(r"^a=ice-pwd:.*", f"a=ice-pwd:{OUR_SECRET}", line)
        line = line.replace("a=setup:actpass", "a=setup:active")
        lines.append(line.replace("a=sendonly", "a=recvonly"))
        if line.startswith("a=mid:"):
            address = viewer_address(viewer)
            lines.append(f"a=candidate:1 1 udp 2130706431 {address} {PORT} typ host")
    return "\r\n".join([*lines, ""])


def push(show: Show, began_s: float, until_s: float) -> Sent:
    """Send the show to Janus, packet by packet over each frame's time.

    Nobody's joining is known here: what a viewer was sent begins with the first packet they got.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent, numbers, frame = Sent(), {VIDEO_TYPE: 0, SOUND_TYPE: 0}, 0
    while began_s + frame / FRAMES_PER_S < until_s:
        packets = packets_of(show, frame)
        for n, (kind, content_bytes) in enumerate(packets):
            due_s = began_s + (frame + n / len(packets)) / FRAMES_PER_S
            time.sleep(max(0.0, due_s - time.monotonic()))
            sent.late_s = max(sent.late_s, time.monotonic() - due_s)
            is_sound = kind is Kind.SOUND
            of, hertz = (SOUND_TYPE, SOUND_HZ) if is_sound else (VIDEO_TYPE, VIDEO_HZ)
            is_last = is_sound or n + 1 == len(packets) or packets[n + 1][0] is Kind.SOUND
            content = HEAD.pack(len(sent.packets), 0) + bytes(content_bytes)
            stamp = frame * hertz // FRAMES_PER_S
            packet = rtp(of, numbers[of], stamp, is_last, content)
            sock.sendto(packet, ("127.0.0.1", SOUND_PORT if is_sound else VIDEO_PORT))
            numbers[of] += 1
            sent.packets.append(Packet(frame, kind, content_bytes))
        frame += 1
    sent.worked_s = time.process_time()
    return sent
