"""Fugas: processos, threads, sinais e chamadas ao núcleo. Cada uma conta no registro o que conseguiu."""

import json
import textwrap
from pathlib import Path

from tests.attacks import FULL, attack, placed, solved_and, solved_but, worth
from tests.notebooks import dumped

# `tried(nome=função, …)` diz quais funções não levantaram exceção nem devolveram erro.
TRIED = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
def syscall(number, *args): return lambda: libc.syscall(number, *args) if os.uname().machine == "x86_64" else -1
def tried(**attempts):
    done = []
    for name, attempt in attempts.items():
        try:
            if attempt() != -1: done.append(name)
        except BaseException: pass
    raise Exception(f"consegui {done}")
"""


def trying(cell: str) -> bytes:
    return solved_and(TRIED + textwrap.dedent(cell))


@attack(score=FULL, says="consegui []")
def children() -> bytes:
    """Bifurca, de todos os jeitos que Python e a libc oferecem."""
    return trying("""
    tried(
        fork=os.fork, forkpty=os.forkpty, libc_fork=libc.fork, clone=syscall(56, 17, 0, 0, 0, 0),
        clone3=syscall(435, (ctypes.c_uint64 * 11)(), 88), posix_spawn=lambda: os.posix_spawn("/bin/true", ["true"], {}),
        exec=lambda: os.execv("/bin/true", ["true"]), execveat=syscall(322, -100, b"/bin/true", None, None, 0),
    )
    """)


@attack(score=FULL, says="consegui []")
def subprocesses() -> bytes:
    """Cria processos pelas bibliotecas de mais alto nível."""
    return trying("""
    import concurrent.futures, multiprocessing, pty, subprocess
    def work():
        process = multiprocessing.get_context("fork").Process(target=print)
        process.start()
    def pool():
        with concurrent.futures.ProcessPoolExecutor(1) as executor: executor.submit(print).result(timeout=1)
    def system():
        assert os.system("true") == 0
    tried(
        run=lambda: subprocess.run(["/bin/true"], check=True), popen=lambda: os.popen("true").read() and 1 or -1,
        system=system, spawn=lambda: pty.spawn("/bin/true"), multiprocessing=work, pool=pool,
    )
    """)


@attack(score=FULL, says="consegui []")
def fork_bomb() -> bytes:
    """Bomba de processos."""
    return trying("""
    def bomb():
        for _ in range(10000):
            try: os.fork()
            except OSError: pass
            else: return 0
        return -1
    tried(bomb=bomb)
    """)


@attack(score=FULL, says="consegui []")
def daemon() -> bytes:
    """Um processo que se desliga do pai, troca de sessão e espera o caderno do vizinho."""
    return trying("""
    def escape():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True: signal.pause()
    tried(daemon=escape, setsid=os.setsid, setpgid=lambda: os.setpgid(0, 0), daemon_libc=lambda: libc.daemon(0, 0))
    """)


@attack(score=FULL, says="consegui []")
def threads() -> bytes:
    """Threads que nunca terminam, criadas em Python, na libc e pelo PyTorch."""
    return trying("""
    import _thread, threading, concurrent.futures
    def forever():
        while True: pass
    def pthread():
        callback = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda argument: forever())
        code = libc.pthread_create((ctypes.c_ulong * 1)(), None, callback, None)
        return -1 if code else 0
    def pool():
        concurrent.futures.ThreadPoolExecutor(4).submit(forever)
    tried(
        thread=lambda: threading.Thread(target=forever, daemon=True).start(),
        low_level=lambda: _thread.start_new_thread(forever, ()),
        timer=lambda: threading.Timer(0, forever).start(), pool=pool, pthread=pthread,
    )
    """)


@attack(score=FULL, says="consegui []")
def thread_bomb() -> bytes:
    """Bomba de threads."""
    return trying("""
    import threading
    def bomb():
        for _ in range(2000):
            try: threading.Thread(target=signal.pause).start()
            except RuntimeError: pass
            else: return 0
        return -1
    tried(bomb=bomb)
    """)


@attack(score=FULL, says="consegui []")
def signals() -> bytes:
    """Sinais a todos, ao pai, ao juiz, aos vizinhos e a si mesmo: o sinal zero só pergunta se os outros passariam."""
    return trying("""
    def everyone(kill):
        def attempt():
            sent = [pid for pid in [-1, 0, 1, os.getppid(), *range(2, 3000)] if kill(pid) == 0]
            return 0 if sent else -1
        return attempt
    tried(
        kill=everyone(lambda pid: libc.kill(pid, 0)), tkill=everyone(lambda pid: libc.syscall(200, pid, 0)),
        tgkill=everyone(lambda pid: libc.syscall(234, pid, pid, 0)), killpg=lambda: os.killpg(0, 0),
        queue=everyone(lambda pid: libc.sigqueue(pid, 0, 0)), stop=lambda: os.kill(os.getpid(), signal.SIGSTOP),
        raise_stop=lambda: getattr(libc, "raise")(19),
        pidfd=everyone(lambda pid: -1 if libc.syscall(434, pid, 0) < 0 else 0),
        alarm_of_others=lambda: libc.timer_create(0, (ctypes.c_int * 16)(), (ctypes.c_void_p * 1)()),
    )
    """)


@attack(score=FULL, says="consegui []")
def signals_through_descriptors() -> bytes:
    """Faz um cano avisar outro processo, com o sinal que se quiser, quando houver o que ler: F_SETOWN e F_SETSIG."""
    return trying("""
    import fcntl
    reader, writer = os.pipe()
    def own(pid):
        def attempt():
            fcntl.fcntl(reader, fcntl.F_SETOWN, pid)
            fcntl.fcntl(reader, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
            os.write(writer, b"x")
        return attempt
    tried(
        zygote=own(os.getppid()), first=own(1), group=own(-1), itself=own(os.getpid()),
        lease=lambda: fcntl.fcntl(reader, fcntl.F_SETLEASE, 1), notify=lambda: fcntl.fcntl(reader, fcntl.F_NOTIFY, 1),
        lock=lambda: fcntl.lockf(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_SH),
        owner_ex=lambda: fcntl.fcntl(reader, 15, bytes(8)), tty=lambda: fcntl.ioctl(1, 0x5412, b"x"),
    )
    """)


@attack(score=FULL, says="consegui []")
def other_memory() -> bytes:
    """Lê e escreve a memória do processo aquecido e dos vizinhos."""
    return trying("""
    parent = os.getppid()
    buffer = ctypes.create_string_buffer(16)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 16)
    tried(
        attach=lambda: libc.ptrace(16, parent, 0, 0), seize=lambda: libc.ptrace(0x4206, parent, 0, 0),
        traceme=lambda: libc.ptrace(0, 0, 0, 0), read=syscall(310, parent, vector, 1, vector, 1, 0),
        write=syscall(311, parent, vector, 1, vector, 1, 0), compare=syscall(312, parent, os.getpid(), 0, 0, 0),
        advise=syscall(440, parent, vector, 1, 4, 0), mem=lambda: os.open(f"/proc/{parent}/mem", os.O_RDWR),
        copy_descriptor=syscall(438, parent, 4, 0),
    )
    """)


@attack(score=FULL, says="consegui []")
def more_privileges() -> bytes:
    """Novos namespaces, montagens, raízes, identidades e prioridades."""
    return trying("""
    tried(
        unshare=lambda: libc.unshare(0x10000000), setns=syscall(308, 4, 0), chroot=lambda: os.chroot("/usr"),
        mount=lambda: libc.mount(b"tmpfs", b"/media", b"tmpfs", 0, None), umount=lambda: libc.umount2(b"/media", 2),
        open_tree=syscall(428, -100, b"/", 1), fsopen=syscall(430, b"tmpfs", 0), pivot=syscall(155, b"/", b"/"),
        setuid=lambda: os.setuid(0), setgid=lambda: os.setgid(0), setgroups=lambda: os.setgroups([0]),
        setresuid=lambda: os.setresuid(1, 1, 1), capset=syscall(126, (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()),
        hostname=lambda: libc.sethostname(os.uname().nodename.encode(), len(os.uname().nodename)), nice=lambda: os.nice(-5) and 0,
        priority=lambda: os.setpriority(os.PRIO_PROCESS, 0, -10), affinity=lambda: os.sched_setaffinity(0, {0}),
        scheduler=lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        reboot=lambda: libc.reboot(0), personality=lambda: libc.personality(0x0040000),
        parent_death=lambda: libc.prctl(1, 0, 0, 0, 0), dumpable=lambda: libc.prctl(4, 1, 0, 0, 0),
        no_new_privileges=lambda: libc.prctl(38, 0, 0, 0, 0), seccomp=syscall(317, 0, 0, None),
        landlock=syscall(444, None, 0, 1), keyring=syscall(250, 0, -3, 1), module=syscall(313, 4, b"", 0),
    )
    """)


@attack(score=FULL, says="consegui []")
def higher_limits() -> bytes:
    """Aumenta os próprios tetos de memória, processador e disco."""
    return trying("""
    import resource
    def raised(limit):
        return lambda: resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    tried(
        memory=raised(resource.RLIMIT_AS), processor=raised(resource.RLIMIT_CPU), disk=raised(resource.RLIMIT_FSIZE),
        core=raised(resource.RLIMIT_CORE), files=raised(resource.RLIMIT_NOFILE),
        lower=lambda: resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20)),
        parent=lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1)),
    )
    """)


@attack(score=FULL, says="consegui []")
def network() -> bytes:
    """Soquetes de toda família, diretos e pelas bibliotecas."""
    return trying("""
    import socket, urllib.request
    def family(number, kind=1): return lambda: libc.socket(number, kind, 0)
    tried(
        inet=family(2), inet_datagram=family(2, 2), inet6=family(10), unix=family(1), netlink=family(16, 3),
        packet=family(17, 3), vsock=family(40), alg=family(38, 5), bluetooth=family(31, 3),
        pair=lambda: libc.socketpair(1, 1, 0, (ctypes.c_int * 2)()), python=lambda: socket.socket(),
        url=lambda: urllib.request.urlopen("http://127.0.0.1:1/", timeout=1),
        name=lambda: socket.getaddrinfo("localhost", 80) and 0,
        receive=lambda: socket.socket(fileno=4).recv(1), send=lambda: socket.socket(fileno=4).send(b"f"),
    )
    """)


@attack(score=FULL, says="consegui []")
def kernel_surface() -> bytes:
    """As portas do núcleo que mais falhas tiveram: io_uring, bpf, perf, userfaultfd, memfd, chaves e companhia."""
    return trying("""
    tried(
        io_uring=syscall(425, 8, (ctypes.c_uint32 * 30)()), bpf=syscall(321, 0, (ctypes.c_uint64 * 16)(), 128),
        perf=syscall(298, (ctypes.c_uint32 * 32)(1, 128), 0, -1, -1, 0), userfaultfd=syscall(323, 0),
        memfd=syscall(319, b"x", 0), memfd_secret=syscall(447, 0), keyctl=syscall(248, b"user", b"x", b"y", 1, -3),
        inotify=syscall(294, 0), fanotify=syscall(300, 0, 0), timerfd=syscall(283, 0, 0), signalfd=syscall(289, -1, bytes(8), 8, 0),
        pidfd=syscall(434, 1, 0), splice=syscall(275, 4, None, 4, None, 1, 0), vmsplice=syscall(278, 4, None, 0, 0),
        sendfile=syscall(40, 4, 4, None, 1), copy_range=syscall(326, 4, None, 4, None, 1, 0), kexec=syscall(246, 0, 0, None, 0),
        handle=syscall(303, -100, b"/", bytes(64), bytes(8), 0), mbind=syscall(237, 0, 0, 0, None, 0, 0),
        modify_ldt=syscall(154, 1, bytes(16), 16), iopl=syscall(172, 3), syslog=syscall(103, 3, bytes(64), 64),
        quota=syscall(179, 0, None, 0, None), swap=syscall(167, b"/x", 0), acct=syscall(163, None), aio=syscall(206, 1, (ctypes.c_uint64 * 1)()),
        pkey=syscall(330, 0, 0), shadow_stack=syscall(453, 0, 4096, 0), futex_waitv=syscall(449, None, 1, 0, None, 0),
    )
    """)


@placed(score=FULL, says="consegui []")
def changed_files(folder: Path) -> bytes:
    """Apaga, troca, trunca, liga e muda permissões de arquivos da turma e das bibliotecas."""
    victim = str(folder.parents[2] / "gradebook.db")
    return trying(f"""
    victim, ours = {victim!r}, "/tmp/invasao-arquivo"
    library = os.path.join(os.path.dirname(os.__file__), "this.py")
    tried(
        unlink=lambda: os.unlink(victim), rename=lambda: os.rename(victim, ours), link=lambda: os.link(victim, ours),
        symlink=lambda: os.symlink(victim, ours), chmod=lambda: os.chmod(victim, 0o777), chown=lambda: os.chown(victim, 0, 0),
        truncate=lambda: os.truncate(victim, 0), utime=lambda: os.utime(victim), mkdir=lambda: os.mkdir(ours),
        mknod=lambda: os.mknod(ours), mkfifo=lambda: os.mkfifo(ours), rmdir=lambda: os.rmdir("/tmp"),
        setxattr=lambda: os.setxattr(victim, "user.x", b"x"), create=lambda: os.open(ours, os.O_CREAT | os.O_WRONLY),
        write=lambda: os.open(victim, os.O_WRONLY), temporary=lambda: os.open("/tmp", os.O_TMPFILE | os.O_RDWR),
        library_write=lambda: os.open(library, os.O_WRONLY), library_empty=lambda: os.open(library, os.O_RDONLY | os.O_TRUNC),
        library_unlink=lambda: os.unlink(library), chdir=lambda: os.chdir("/tmp"), umask=lambda: os.mkdir(library + ".d"),
        cache=lambda: os.open(os.path.dirname(library) + "/__pycache__/invasao.pyc", os.O_CREAT | os.O_WRONLY),
        map_write=lambda: __import__("mmap").mmap(os.open(library, os.O_RDONLY), 10, prot=3, flags=1),
    )
    """)


@attack(score=FULL, status="crashed")
def foreign_abi() -> bytes:
    """Código de máquina com a convenção de 32 bits (int 0x80), em que os números das chamadas são outros."""
    return solved_and("""
    import ctypes, mmap
    # mov eax, 2 (fork em 32 bits); int 0x80; ret
    code = bytes.fromhex("b802000000cd80c3")
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    """)


@attack(score=FULL, status="crashed")
def x32_abi() -> bytes:
    """Chamadas com o bit da ABI x32, que um filtro distraído não reconhece."""
    return solved_and("""
    import ctypes
    if ctypes.CDLL(None).syscall(0x40000000 | 57) < 0:
        ctypes.string_at(0)
    """)


@attack(score=FULL, status="crashed")
def quiet_exit() -> bytes:
    """Encerra o processo com código de sucesso, sem responder."""
    return solved_and("import os; os._exit(0)")


@attack(score=FULL, status="crashed")
def segmentation_fault() -> bytes:
    """Falha de segmentação por ctypes."""
    return solved_and("import ctypes; ctypes.string_at(1)")


@attack(score=FULL, status="crashed")
def abort() -> bytes:
    """`abort` da libc."""
    return solved_and("import ctypes; ctypes.CDLL(None).abort()")


@attack(score=FULL, status="crashed")
def fatal_error() -> bytes:
    """Erro fatal do próprio interpretador."""
    return solved_and("import ctypes; ctypes.pythonapi.Py_FatalError(b'fim')")


@attack(score=FULL, status="crashed")
def corrupted_interpreter() -> bytes:
    """Estraga as contagens de referência de objetos centrais do interpretador."""
    return solved_and("""
    import ctypes
    for thing in (type, dict, str, globals()):
        ctypes.memset(id(thing), 0, 32)
    dict()
    """)


@attack(score=FULL, status="crashed")
def every_descriptor_closed() -> bytes:
    """Fecha todos os descritores."""
    return solved_and("import os; os.closerange(0, 65536)")


@attack(score=FULL)
def polite_exit() -> bytes:
    """`sys.exit` em uma célula, como quem esqueceu um `exit()` no caderno."""
    return solved_and("import sys; sys.exit('até logo')")


@attack(score=FULL - worth("dropout_backward"), status="crashed", lost="error")
def exit_inside_function() -> bytes:
    """Encerra o processo de dentro da função pedida."""
    return solved_but(dropout_backward="import os\ndef dropout_backward(dout, mask): os._exit(0)")


@attack(score=0, status="crashed", lost="error", says="12 vezes")
def exits_everywhere() -> bytes:
    """Quarenta células que derrubam o processo, cada uma a seu tempo."""
    notebook = json.loads(solved_and("import os; os._exit(1)"))
    notebook["cells"] += [notebook["cells"][-1]] * 39
    return dumped(notebook)
