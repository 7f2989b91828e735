#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The app's cgroup and its user: stragglers, escapees, killed runs, sudo, runs without rights. Needs no server."""
import atexit
import contextlib
import itertools
import json
import os
import pathlib
import pwd
import shutil
import subprocess

from harness import (
    MOCKPROXY,
    TIMEOUT,
    Failure,
    Skip,
    Started,
    Suite,
    alive,
    expect,
    expect_equal,
    folder,
    free_port,
    kill,
    need_mockproxy,
    pause,
    record,
    record_command,
    replay,
    replay_command,
    run,
    wait_dead,
    wait_until,
)

NOBODY = 65534
USER = "mockproxy-e2e"


def mount():
    """Where cgroup2 is mounted."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            return pathlib.Path(line.split()[4])
    raise Skip("cgroup2 is not mounted")


def membership(pid):
    """The cgroup of a process, as /proc names it."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[3:]
    raise Failure(f"process {pid} is in no cgroup2")


def groups():
    """The cgroups of runs below this process's own."""
    own = mount() / membership("self").lstrip("/")
    return {path.name for path in own.iterdir() if path.name.startswith("mockproxy-")}


def start(command, mode="record", **options):
    """A run that is under way; the first line that CMD printed is kept."""
    if mode == "record":
        command = record_command(WHERE / f"record{next(NUMBERS)}.db", command)
    else:
        command = replay_command(WHERE / "replay.db", command)
    started = Started(command, **options)
    started.first = started.line()
    return started


def background(after):
    """CMD starts a process that outlives it, and ends."""
    return ["sh", "-c", "exec 3<&0; sh -c 'echo $$; exec cat <&3 >/dev/null 2>&1 3<&-' & " + after]


def straggler_is_let_go():
    before = groups()
    started = start(background("exit 3"))
    straggler = int(started.first)
    # Its stdin keeps it alive; communicate() would close that.
    expect_equal(started.process.wait(TIMEOUT), 3, "exit status")
    errors = started.process.stderr.read().decode()
    expect(f"[{straggler}]" in errors and "cat[" in errors, f"the straggler is not named: {errors}")
    expect(alive(straggler), "the straggler was killed")
    expect_equal(membership(straggler), membership("self"), "the straggler's cgroup")
    expect_equal(groups(), before, "cgroups that are left")
    started.process.stdin.close()
    wait_dead(straggler, "the straggler")
    started.end()


def straggler_is_ended():
    before = groups()
    started = start(background("exit 3"), "replay")
    straggler = int(started.first)
    expect_equal(started.process.wait(TIMEOUT), 3, "exit status")
    errors = started.process.stderr.read().decode()
    expect(f"[{straggler}]" in errors, f"the straggler is not named: {errors}")
    expect(not alive(straggler), "the straggler lives")
    expect_equal(groups(), before, "cgroups that are left")
    started.end()


def nobody_is_no_straggler():
    """On a busy machine one of them may really outlive CMD by more than it is waited for: not each time."""
    for _ in range(10):
        done = record(WHERE / "record.db", ["sh", "-c", "true & true | true"]).expect(0)
        if "live on" not in done.errors():
            return
    raise Failure(f"a process that ended is named: {done.errors()}")


def escapee_is_reported():
    own = mount() / membership("self").lstrip("/") / "cgroup.procs"
    script = f"bash -c 'echo $$ >{own}; echo $$; read line'; exit 0"
    for mode in ("record", "replay"):
        started = start(["sh", "-c", script], mode)
        escapee = int(started.first)
        expect_equal(membership(escapee), membership("self"), "the escapee's cgroup")
        # A look at the app reads the escapee's /proc; the second one after now begins when it has left.
        looks = counts_of_reads(started.guard)
        wait_until(lambda: counts_of_reads(started.guard) > looks + 20, "the guard has looked")
        done = started.finish().expect(0)
        done.says(f"bash[{escapee}]", "left the app's cgroup")


def counts_of_reads(pid):
    """How often a process has read something."""
    fields = dict(
        line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    )
    return int(fields["syscr"])


def killed_recording_is_swept():
    before = groups()
    started = start(["sh", "-c", "echo $$; cat >/dev/null"])
    app, guard, proxy = int(started.first), started.guard, started.proxy
    [group] = groups() - before
    expect(group.startswith(f"mockproxy-record-{guard}-"), f"its name is {group}")
    expect(membership(app).endswith("/" + group), f"the app is in {membership(app)}")
    for pid in (proxy, guard):
        kill(pid)
        wait_dead(pid, "guard and proxy")
    expect(alive(app), "the app was harmed")
    record(WHERE / "next.db", ["true"]).expect(0)
    expect_equal(groups(), before, "cgroups that are left")
    expect(alive(app), "the app was harmed by the sweep")
    expect_equal(membership(app), membership("self"), "the app's cgroup after the sweep")
    started.process.stdin.close()
    wait_dead(app, "the app")
    started.end()


def killed_replay_is_swept():
    before = groups()
    started = start(["sh", "-c", "echo $$; sh -c 'trap \"\" TERM; cat >/dev/null'"], "replay")
    app, guard, proxy = int(started.first), started.guard, started.proxy
    for pid in (proxy, guard):
        pause(pid)  # so that neither notices the other's end
    for pid in (proxy, guard):
        kill(pid)
    # Whichever ends last holds the lock until then.
    for pid, who in ((proxy, "the proxy"), (guard, "the guard"), (app, "the app")):
        wait_dead(pid, who)
    run([MOCKPROXY, "trace", "true"]).expect(0)
    expect_equal(groups(), before, "cgroups that are left")
    started.end()


def running_one_is_not_swept():
    started = start(["sh", "-c", "echo $$; cat >/dev/null"])
    inside = membership(started.first)
    record(WHERE / "next.db", ["true"]).expect(0)
    expect_equal(membership(started.first), inside, "the app's cgroup")
    started.finish().expect(0)


def killed_guard_ends_replay():
    started = start(["sh", "-c", "exec 3<&0; echo $$; cat <&3 >/dev/null & wait"], "replay")
    app, proxy = int(started.first), started.proxy
    [below] = wait_until(lambda: children_of(app), "the app's child is there")
    kill(started.guard)
    for pid, who in ((app, "the app"), (below, "its child"), (proxy, "the proxy")):
        wait_dead(pid, who)
    started.end()
    replay(WHERE / "replay.db", ["true"]).expect(0)


def children_of(pid):
    return [
        int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ]


def killed_proxy():
    started = start(["sh", "-c", "echo $$; read line; exit 0"])
    proxy = started.proxy
    kill(proxy)
    # Else it may be noticed together with the app's end.
    started.wait_message("goes on directly")
    expect(alive(int(started.first)), "the app was harmed")
    started.say("go on")
    started.finish().expect(3)
    started = start(["sh", "-c", "trap '' TERM; echo $$; cat; exit 0"], "replay")
    kill(started.proxy)
    expect_equal(started.process.wait(TIMEOUT), 125, "exit status")
    expect(not alive(int(started.first)), "the app lives")
    expect("CMD is ended" in started.process.stderr.read().decode(), "it is not said")
    started.end()


def expect_user(path, done, user, ids):
    expect_equal(done.stdout.decode().split("\n")[:2], ids, "uid and groups of CMD")
    expect_equal(
        (path.stat().st_uid, path.stat().st_gid),
        (user.pw_uid, user.pw_gid),
        "owner of the recording",
    )


WHO = ["sh", "-c", "id -u; id -G; echo HOME=$HOME; grep -E 'Cap(Eff|Prm|Amb)' /proc/self/status"]


def as_invoking_user():
    """What sudo leaves in the environment."""
    user = pwd.getpwuid(NOBODY)
    where = folder("invoker")
    os.chown(where, user.pw_uid, user.pw_gid)
    environment = {
        **os.environ,
        "SUDO_UID": str(user.pw_uid),
        "SUDO_GID": str(user.pw_gid),
        "HOME": "/kept",
    }
    done = record(where / "mocks.db", WHO, environment).expect(0)
    ids = (
        run(["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups", *WHO])
        .stdout.decode()
        .split("\n")
    )
    expect_user(where / "mocks.db", done, user, ids[:2])
    expect(b"HOME=/kept" in done.stdout, "the environment is another")
    expect_equal(
        done.stdout.count(b"0000000000000000"), 3, f"CMD has capabilities: {done.stdout.decode()}"
    )
    record(where / "mocks.db", ["true"], {**environment, "SUDO_UID": "1000x"}).expect(125).says(
        "SUDO_UID"
    )


def proxy_has_no_rights():
    started = start(["sh", "-c", "echo $$; cat >/dev/null"])
    status = pathlib.Path(f"/proc/{started.proxy}/status").read_text()
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    expect_equal(
        (fields["CapEff"], fields["CapPrm"], fields["NoNewPrivs"]),
        ("0000000000000002", "0000000000000002", "1"),
        "capabilities of root's proxy: CAP_DAC_OVERRIDE alone",
    )
    started.finish().expect(0)


@contextlib.contextmanager
def sudoer():
    """A user who may run mockproxy with sudo, for as long as this lasts."""
    if not shutil.which("sudo") or not shutil.which("useradd"):
        raise Skip("sudo or useradd is not installed")
    rule = pathlib.Path("/etc/sudoers.d") / USER
    made = subprocess.run(["useradd", "-m", "-U", USER], check=False, capture_output=True)
    expect(made.returncode in (0, 9), f"useradd: {made.stderr.decode()}")
    try:
        rule.write_text(f"{USER} ALL=(root) NOPASSWD: {MOCKPROXY}\n")
        rule.chmod(0o440)
        yield pwd.getpwnam(USER)
    finally:
        rule.unlink(missing_ok=True)
        subprocess.run(["userdel", "-r", USER], check=False, capture_output=True)


def under_sudo():
    with sudoer() as user:
        path = pathlib.Path(user.pw_dir) / "mocks.db"
        as_user = ["runuser", "-u", USER, "--"]
        done = run([*as_user, "sudo", "-n", *record_command(path, WHO)], cwd=user.pw_dir).expect(0)
        ids = run([*as_user, *WHO]).stdout.decode().split("\n")
        expect_user(path, done, user, ids[:2])
        done = run([*as_user, "sudo", "-n", *replay_command(path, WHO)], cwd=user.pw_dir).expect(0)
        expect_user(path, done, user, ids[:2])


def without_rights():
    """--listen needs none; the rest says what is missing."""
    where = folder("rights")
    os.chown(where, NOBODY, NOBODY)
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    port = free_port()
    listen = ["--listen", f"{port}=127.0.0.1:{free_port()}"]
    look = ["sh", "-c", f"grep -ciE ':{port:04X} ' /proc/net/tcp; exit 4"]
    done = run([*nobody, *record_command(where / "mocks.db", look, listen)]).expect(4)
    expect_equal(done.stdout, b"1\n", "listeners on the port")
    expect_equal((where / "mocks.db").stat().st_uid, NOBODY, "owner of the recording")
    run([*nobody, *record_command(where / "mocks.db", ["true"])]).expect(125).says(
        "sudo", "doctor", "--listen"
    )
    run([*nobody, *record_command(where / "mocks.db", ["kill"], ["--listen", "1=a:2"])]).expect(
        125
    ).says("port 1")
    done = run([*nobody, MOCKPROXY, "doctor", "--json"]).expect(1)
    report = json.loads(done.stdout)
    expect_equal(
        (
            report["ok"],
            [check["name"] for check in report["checks"] if check["state"] == "missing"],
        ),
        (False, ["rights"]),
        "the doctor's report",
    )


def doctor():
    report = json.loads(run([MOCKPROXY, "doctor", "--json"]).stdout)
    expect_equal(
        [check for check in report["checks"] if check["state"] == "missing"], [], "what is missing"
    )
    run([MOCKPROXY, "doctor"]).expect(0)


def own_cgroup():
    """Moves the test into a cgroup of its own: other runs on this machine are then not below it. Undone at the end."""
    home = mount() / membership("self").lstrip("/")
    own = home / f"test-cgroup-{os.getpid()}"
    own.mkdir()
    (own / "cgroup.procs").write_text(str(os.getpid()))

    def undo():
        for pid in (own / "cgroup.procs").read_text().split():
            (home / "cgroup.procs").write_text(pid)
        own.rmdir()

    atexit.register(undo)


def main():
    need_mockproxy()
    suite = Suite()
    own_cgroup()
    before = groups()
    replay_source = WHERE / "replay.db"
    suite.run("a recording to replay", lambda: record(replay_source, ["true"]).expect(0) and True)
    suite.run("straggler of a recording is let go and named", straggler_is_let_go)
    suite.run("straggler of a replay is ended and named", straggler_is_ended)
    suite.run("who ended is no straggler", nobody_is_no_straggler)
    suite.run("escapee is reported", escapee_is_reported)
    suite.run("cgroup of a killed recording is swept", killed_recording_is_swept)
    suite.run("cgroup of a killed replay is swept", killed_replay_is_swept)
    suite.run("cgroup of a running one is not swept", running_one_is_not_swept)
    suite.run("guard killed in replay", killed_guard_ends_replay)
    suite.run("proxy killed", killed_proxy)
    suite.run("proxy has no rights", proxy_has_no_rights)
    suite.run("SUDO_UID: CMD and file are the user's", as_invoking_user)
    suite.run("sudo: CMD and file are the user's", under_sudo)
    suite.run("without rights", without_rights)
    suite.run("doctor", doctor)
    suite.run("no cgroup is left", lambda: expect_equal(groups(), before, "cgroups"))
    suite.finish()


WHERE = folder("cgroup")
NUMBERS = itertools.count()
if __name__ == "__main__":
    main()
