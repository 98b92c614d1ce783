"""Machines for tests of several ranks: this one, or network namespaces of it."""

import contextlib
import pathlib
import subprocess
import tempfile
import time

BRIDGE = "chargen"


class Network:
    """This machine, or `count` namespaces with addresses of their own."""

    def __init__(self, count=0, agent=None):
        self.count, self.agent = count, agent

    def mpirun(self, ranks):
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]
        if self.count == 0:
            return command
        addresses = ",".join(f"10.77.0.{number}:4" for number in range(1, min(self.count, ranks) + 1))
        return [*command, "--map-by", "node", "--host", addresses, "--mca", "plm_rsh_agent", str(self.agent),
                "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "10.77.0.0/16",
                "--mca", "oob_tcp_if_include", "10.77.0.0/16"]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def network(count, rate=None):
    """Namespaces 1 to `count` on a virtual switch; with a rate, such as 1gbit, their links have it
    in each direction."""
    if count == 0:
        yield Network()
        return
    names = [f"{BRIDGE}{number}" for number in range(1, count + 1)]
    with tempfile.TemporaryDirectory() as folder:
        # mpirun calls it as it would call ssh: with a host and a command.
        agent = pathlib.Path(folder) / "agent"
        agent.write_text(
            '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\n'
            f'name={BRIDGE}"${{1##*.}}"\nshift\nexport TMPDIR={folder}/"$name"\nmkdir -p "$TMPDIR"\n'
            'exec unshare --uts ip netns exec "$name" sh -c "hostname $name; $*"\n', encoding="utf-8")
        agent.chmod(0o755)
        try:
            run("ip", "link", "add", BRIDGE, "type", "bridge")
            run("ip", "addr", "add", "10.77.1.0/16", "dev", BRIDGE)
            run("ip", "link", "set", BRIDGE, "up")
            for number, name in enumerate(names, start=1):
                run("ip", "netns", "add", name)
                run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
                run("ip", "link", "set", name, "master", BRIDGE, "up")
                run("ip", "-n", name, "addr", "add", f"10.77.0.{number}/16", "dev", "eth0")
                run("ip", "-n", name, "link", "set", "eth0", "up")
                run("ip", "-n", name, "link", "set", "lo", "up")
                for device, space in [(name, []), ("eth0", ["-n", name])] if rate else []:
                    run("tc", *space, "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", "256kb",
                        "latency", "50ms")
            for name in names:
                while "state UP" not in run("ip", "-n", name, "link", "show", "eth0"):
                    time.sleep(0.01)
            yield Network(count, agent)
        finally:
            for name in names:
                subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
                subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)
            subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)
