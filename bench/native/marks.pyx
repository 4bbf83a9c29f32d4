"""Parts of a run that callgrind counts apart; nothing without it."""

cdef extern from *:
    """
    #include <valgrind/callgrind.h>
    static void zero_stats(void) { CALLGRIND_ZERO_STATS; }
    """
    void zero_stats() noexcept
    void CALLGRIND_DUMP_STATS_AT(const char* name) noexcept


def begin():
    zero_stats()


def end(str name):
    """What has been executed since begin() goes to a file of its own, under that name."""
    cdef bytes encoded = name.encode()
    CALLGRIND_DUMP_STATS_AT(encoded)
