"""As camadas de isolamento, todas ao alcance de um usuário comum em Debian ou Ubuntu.

A entrega não lê senão o interpretador e suas bibliotecas, não escreve em arquivo nenhum, não tem rede, não
cria processos nem threads, não envia sinais. O que pode é calcular, dentro de um teto de memória e de tempo.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import resource
import site
import sys
import sysconfig
from pathlib import Path

import landlock
import pyseccomp
from landlock.plumbing import FSAccess

CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
PR_SET_PDEATHSIG, PR_SET_NAME, PR_GET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_VMA = 1, 15, 16, 38, 0x53564D41
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
# F_SETOWN, F_SETSIG e F_NOTIFY mandariam sinais a outros processos.
FCNTL = (
    fcntl.F_DUPFD,
    fcntl.F_DUPFD_CLOEXEC,
    fcntl.F_GETFD,
    fcntl.F_SETFD,
    fcntl.F_GETFL,
    fcntl.F_SETFL,
)
TCGETS, FIONCLEX, FIOCLEX, FIONREAD = 0x5401, 0x5450, 0x5451, 0x541B

READING = (
    "access faccessat faccessat2 stat lstat fstat newfstatat statx readlink readlinkat "
    "getdents getdents64 getcwd lseek read readv pread64"
)
WRITING = "write writev"
DESCRIPTORS = (
    "close close_range dup dup2 dup3 pipe pipe2 eventfd2 poll ppoll select pselect6 "
    "epoll_create1 epoll_ctl epoll_wait epoll_pwait"
)
MEMORY = "mmap mprotect munmap mremap madvise brk mincore membarrier get_mempolicy"
TIME = (
    "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times setitimer getitimer alarm"
)
SELF = (
    "getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getrusage getrlimit "
    "sysinfo uname getcpu sched_yield sched_getaffinity sched_getparam sched_getscheduler futex "
    "set_robust_list get_robust_list rseq set_tid_address arch_prctl getrandom umask "
    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending sigaltstack restart_syscall exit exit_group"
)

libc = ctypes.CDLL(None, use_errno=True)


def enter_namespaces() -> list[str]:
    """Separa usuários, rede, IPC e processos, se o sistema deixa; devolve o que conseguiu.

    Depois dela, só os filhos do processo estão no novo espaço de processos: bifurque em seguida.
    """
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWPID) != 0:
        ctypes.set_errno(0)  # o pacote `landlock` tomaria esta falha por uma dele
        return []
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return ["namespaces (usuário, processos, rede, IPC)"]


def drop_capabilities() -> None:
    """Abre mão de todo privilégio, mesmo sendo root, e da possibilidade de ganhá-lo."""
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    libc.syscall(SYS_CAPSET.get(os.uname().machine, -1), header, (ctypes.c_uint32 * 6)())


def interpreter_paths() -> list[Path]:
    """Pastas que um programa em Python precisa ler: bibliotecas do sistema, padrão e instaladas."""
    python = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    base = [f"{sys.base_prefix}/lib", *site.getsitepackages()]
    system = ["/usr/lib", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/dev/urandom"]
    return [path for path in {Path(p).resolve() for p in (*python, *base, *system)} if path.exists()]


def restrict_files() -> list[str]:
    """Landlock: só leitura, e só do interpretador. Devolve a camada, ou nada se o núcleo não a tem."""
    try:
        ruleset = landlock.Ruleset()
        readable = FSAccess.READ_FILE | FSAccess.READ_DIR
        for path in interpreter_paths():
            ruleset.allow(path, rules=readable if path.is_dir() else FSAccess.READ_FILE)
        ruleset.allow("/dev/null", rules=FSAccess.READ_FILE | FSAccess.WRITE_FILE)
        ruleset.apply()
    except (OSError, landlock.LandlockError):
        return []
    return [f"Landlock (ABI {landlock.landlock_abi_version()})"]


def syscall_filter() -> pyseccomp.SyscallFilter:
    """Lista das chamadas de sistema permitidas; qualquer outra responde “operação não permitida”."""
    allowed = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in f"{READING} {WRITING} {DESCRIPTORS} {MEMORY} {TIME} {SELF}".split():
        _rule(allowed, pyseccomp.ALLOW, name)
    for request in (TCGETS, FIOCLEX, FIONCLEX, FIONREAD):
        _rule(allowed, pyseccomp.ALLOW, "ioctl", pyseccomp.Arg(1, pyseccomp.EQ, request))
    for command in FCNTL:
        _rule(allowed, pyseccomp.ALLOW, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    for option in (PR_SET_NAME, PR_GET_NAME, PR_SET_VMA):
        _rule(allowed, pyseccomp.ALLOW, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, option))
    read_own_limits = (pyseccomp.Arg(0, pyseccomp.EQ, 0), pyseccomp.Arg(2, pyseccomp.EQ, 0))
    _rule(allowed, pyseccomp.ALLOW, "prlimit64", *read_own_limits)
    for name, flags in (("open", 1), ("openat", 2)):
        _rule(allowed, pyseccomp.ALLOW, name, *_harmless_opening(flags))
    _rule(allowed, pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # a glibc tenta clone, que é recusada
    return allowed


def _harmless_opening(flags: int) -> list[pyseccomp.Arg]:
    """Antes da ABI 3 o Landlock não vê truncamento, e abrir com O_TRUNC esvaziaria uma biblioteca só de leitura."""
    if landlock.landlock_abi_version() >= 3:
        return []
    return [pyseccomp.Arg(flags, pyseccomp.MASKED_EQ, os.O_TRUNC, 0)]


def _rule(filter: pyseccomp.SyscallFilter, action: int, name: str, *args: pyseccomp.Arg) -> None:
    """Acrescenta uma regra; nomes que não existem nesta arquitetura ficam de fora."""
    with contextlib.suppress(OSError, ValueError):
        filter.add_rule(action, name, *args)


def seccomp_available() -> bool:
    """O núcleo aceita filtros de chamadas de sistema?"""
    try:
        return "Seccomp" in Path("/proc/self/status").read_text()
    except OSError:
        return False


def virtual_memory() -> int:
    """Bytes de memória virtual que o processo já ocupa."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def limit_resources(memory: int, cpu_seconds: int) -> None:
    """Tetos do processo: `memory` bytes de memória virtual ao todo, tempo de CPU, nada em disco."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def die_with_parent() -> None:
    """Pede ao núcleo que mate este processo quando o que o criou terminar."""
    libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
