"""Three hosts in one kernel: senders - router - viewers, and a slow way back.

    senders  s0 ---- r0  router  r1 ---- v0  viewers
       ^  straight back, through the delay box (delay.py)  |
       +---------------------------------------------------+

The shortage is a token bucket on the router's own device: on the sender's, TCP small queues would
hold the packets back and nothing would ever be lost. Offloads are off, or a 'packet' on the wire
would be 64 KB. A namespace lives as long as its file is open, so nothing is left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SENDER = "10.1.0.1"
VIEWERS = "10.2.0.0/16"
PACKET_BYTES = 1514
"""With its Ethernet header, which the token bucket counts too."""
BURST_PACKETS = 2
"""Of the token bucket: as near to a line of that rate as it gets."""

_NEW_NET = 0x40000000  # CLONE_NEWNET
_SET_OFFLOAD = (0x1F, 0x24, 0x2C)  # ETHTOOL_STSO, _SGSO, _SGRO
_ETHTOOL = 0x8946  # SIOCETHTOOL
_NEW_TUN, _TUN_PLAIN = 0x400454CA, 0x1001  # TUNSETIFF; IFF_TUN | IFF_NO_PI
_libc = ctypes.CDLL(None, use_errno=True)


def viewer_address(viewer: int) -> str:
    """Each viewer has an address of their own, by which the delay box knows them."""
    return f"10.2.{viewer // 250}.{viewer % 250 + 1}"


def missing() -> str | None:
    """Why there can be no bed here, or None."""
    for tool in ("ip", "tc", "unshare"):
        if shutil.which(tool) is None:
            return f"the command {tool} is not installed (iproute2, util-linux)"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun can't be opened: no delay box without it"
    if not as_root() and _run_quietly("unshare", "-Urn", "true"):
        return "neither root nor unprivileged user namespaces (unshare -Urn is refused)"
    lead = () if as_root() else ("unshare", "-Urn")
    script = (
        "ip link add name try0 type veth peer name try1 && "
        "tc qdisc add dev try0 root tbf rate 1mbit burst 3kb limit 10kb"
    )
    if error := _run_quietly(*(lead or ("unshare", "-n")), "sh", "-c", script):
        return f"the kernel has no veth or no tbf: {error}"
    return None


def as_root() -> bool:
    return os.geteuid() == 0


def _run_quietly(*command: str) -> str:
    """What a command says as it fails; empty if it doesn't."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"exit {done.returncode}")


@dataclass(frozen=True)
class Host:
    """A network namespace, held by an open file."""

    file: int

    @property
    def path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self.file}"

    def enter(self) -> None:
        """This thread's sockets and children belong to this host from now on."""
        _checked(_libc.setns(self.file, _NEW_NET))

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.enter()
        try:
            yield
        finally:
            _checked(_libc.setns(before, _NEW_NET))
            os.close(before)

    def run(self, *lines: str) -> str:
        """Commands, one a line; what they write."""
        said = ""
        with self.inside():
            for line in lines:
                done = subprocess.run(line.split(), capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise OSError(f"{line}: {done.stderr.strip()}")
                said += done.stdout
        return said

    def settings(self, **values: int) -> None:
        """Kernel settings below net.ipv4: `a__b` is a/b."""
        with self.inside():
            for name, value in values.items():
                Path("/proc/sys/net/ipv4", name.replace("__", "/")).write_text(str(value))

    def whole_packets(self, *devices: str) -> None:
        """The devices neither join packets nor leave their cutting to another one."""
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            for device in devices:
                for what in _SET_OFFLOAD:
                    off = ctypes.create_string_buffer(struct.pack("II", what, 0))
                    asked = struct.pack("16sP", device.encode(), ctypes.addressof(off))
                    fcntl.ioctl(any_socket, _ETHTOOL, asked)

    def tun(self, name: str) -> int:
        """A device whose packets are read from and written to the file that is returned."""
        with self.inside():
            file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(file, _NEW_TUN, struct.pack("16sH22x", name.encode(), _TUN_PLAIN))
        self.run(f"ip link set {name} up txqueuelen 5000")
        return file


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def new_host() -> Host:
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    _checked(_libc.unshare(_NEW_NET))
    file = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    _checked(_libc.setns(before, _NEW_NET))
    os.close(before)
    host = Host(file)
    host.run("ip link set lo up")
    return host


@dataclass(frozen=True)
class Queue:
    """What the bottleneck's queue has done so far."""

    sent_bytes: int  # Ethernet headers included
    sent_packets: int
    lost_packets: int


@dataclass(frozen=True)
class Bed:
    senders: Host
    router: Host
    viewers: Host
    shortage_at: str  # network | sender
    queue_bytes: int
    back_in: int  # where the viewers' packets come out; where they go in again
    back_out: int

    @property
    def _bottleneck(self) -> tuple[Host, str]:
        return (self.router, "r1") if self.shortage_at == "network" else (self.senders, "s0")

    def set_capacity(self, mbps: float, verb: str = "change") -> None:
        """Wire Mbps of the bottleneck, Ethernet headers included; what waits in its queue stays."""
        host, device = self._bottleneck
        host.run(
            f"tc qdisc {verb} dev {device} root tbf rate {round(mbps * 1e6)}bit "
            f"burst {BURST_PACKETS * PACKET_BYTES} limit {self.queue_bytes}"
        )

    def queue(self) -> Queue:
        host, device = self._bottleneck
        said = host.run(f"tc -s qdisc show dev {device}")
        found = re.search(r"Sent (\d+) bytes (\d+) pkt \(dropped (\d+)", said)
        if found is None:
            raise OSError(f"tc says nothing of {device}: {said}")
        return Queue(*(int(number) for number in found.groups()))


@contextlib.contextmanager
def bed(capacity_mbps: float, queue_s: float, shortage_at: str = "network") -> Iterator[Bed]:
    """`queue_s`: how long a full queue lasts at that capacity; its bytes stay if that changes."""
    senders, router, viewers = new_host(), new_host(), new_host()
    senders.run(f"ip link add s0 type veth peer name r0 netns {router.path}")
    router.run(f"ip link add r1 type veth peer name v0 netns {viewers.path}")
    for host in (senders, router, viewers):
        host.settings(conf__all__rp_filter=0, conf__default__rp_filter=0)
    router.settings(ip_forward=1)
    senders.run(f"ip addr add {SENDER}/24 dev s0", "ip link set s0 up")
    router.run(
        "ip addr add 10.1.0.2/24 dev r0", "ip link set r0 up",
        "ip addr add 10.3.0.1/24 dev r1", "ip link set r1 up",
    )  # fmt: skip
    viewers.run("ip addr add 10.3.0.2/24 dev v0", "ip link set v0 up")
    senders.run(f"ip route add {VIEWERS} via 10.1.0.2")
    router.run(f"ip route add {VIEWERS} via 10.3.0.2")
    viewers.run(f"ip route add local {VIEWERS} dev lo")
    senders.whole_packets("s0")
    router.whole_packets("r0", "r1")
    viewers.whole_packets("v0")
    back_in, back_out = viewers.tun("back"), senders.tun("back")
    viewers.run("ip route add 10.1.0.0/24 dev back")
    for host in (senders, viewers):
        host.settings(conf__back__rp_filter=0)
    queue_bytes = max(4 * PACKET_BYTES, round(capacity_mbps * 1e6 / 8 * queue_s))
    made = Bed(senders, router, viewers, shortage_at, queue_bytes, back_in, back_out)
    made.set_capacity(capacity_mbps, "add")
    try:
        yield made
    finally:
        for file in (back_in, back_out, senders.file, router.file, viewers.file):
            os.close(file)
