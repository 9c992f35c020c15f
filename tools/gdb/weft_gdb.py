"""Goroutines in gdb, live and in core files.

    (gdb) source weft_gdb.py         not needed where gdb may load it from the program
    (gdb) info goroutines            all of them, one to a line
    (gdb) goroutine 7 bt             any command, on the stack of goroutine 7
    (gdb) goroutine all bt 5         the same for each

Parked goroutines are shown by a frame unwinder: no register is written, so that core files work,
too. One that runs is shown on its thread. Needs weft's debug information (-g). x86-64.
"""

import gdb
import gdb.printing
import gdb.unwinder

NS = "weft::detail::"
STATES = ("idle", "runnable", "running", "parked")


def has(v, name):
    return any(f.name == name for f in v.type.strip_typedefs().fields())


def inner(std_atomic):
    """std::atomic<T> keeps its value in _M_i, itself or in a base class; of a bool, in a member."""
    v = std_atomic
    while True:
        t = v.type.strip_typedefs()
        if t.code != gdb.TYPE_CODE_STRUCT:
            return v
        for name in ("_M_i", "_M_p", "_M_b", "_M_base"):
            if has(v, name):
                v = v[name]
                break
        else:
            bases = [f for f in t.fields() if f.is_base_class]
            if not bases:
                return v
            v = v.cast(bases[0].type)


class Goroutine:
    def __init__(self, record):
        self.record = record
        self.id = int(record["id"])
        self.state = STATES[int(inner(record["state"]["value_"])) & 3]
        reason = inner(record["reason"]["value_"])
        self.reason = str(reason).split("::")[-1]
        self.started = int(record["stack"]) != 0
        extra = record["extra"]
        self.name = ""
        self.stack = record["stack"]
        if int(extra) != 0:
            self.name = string_of(extra["name"])
            if not self.started and int(extra["pinned_stack"]) != 0:
                self.stack = extra["pinned_stack"]
                self.started = True

    def context(self):
        """The saved registers, or 0: it runs, or has not started."""
        if self.state not in ("parked", "runnable") or not self.started:
            return 0
        return int(inner(self.stack["sp"]["value_"]))

    def site(self):
        impl = self.record["site"]["_M_impl"]
        if int(impl) == 0:
            return "?"
        return "%s:%d" % (impl["_M_file_name"].string(), int(impl["_M_line"]))

    def line(self):
        what = self.reason if self.state == "parked" else self.state
        name = ' "%s"' % self.name if self.name else ""
        return "%6d  %-16s %s%s" % (self.id, what, self.site(), name)


def string_of(std_string):
    return std_string["_M_dataplus"]["_M_p"].string(length=int(std_string["_M_string_length"]))


def goroutines():
    """All that exist, in the order of ids."""
    found = []
    arena = inner(gdb.parse_and_eval("'%sarena::newest_'" % NS)["value_"])
    while int(arena) != 0:
        slab = inner(arena["slabs_"]["value_"])
        while int(slab) != 0:
            records = slab["records"]
            low, high = records.type.range()
            for i in range(low, high + 1):
                if int(inner(records[i]["state"]["value_"])) != 0:
                    found.append(Goroutine(records[i]))
            slab = slab["older"]
        arena = arena["older_"]
    return sorted(found, key=lambda g: g.id)


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class ParkedUnwinder(gdb.unwinder.Unwinder):
    """While armed: the innermost frame's caller is where a fiber's registers were saved, as
    fcontext does: r12 to r15, rbx, rbp, rip from 0x10 on; the stack pointer is 0x48 above."""

    SAVED = (("r12", 0x10), ("r13", 0x18), ("r14", 0x20), ("r15", 0x28), ("rbx", 0x30),
             ("rbp", 0x38), ("rip", 0x40))

    def __init__(self):
        super().__init__("weft parked goroutine")
        self.context = 0
        self.pc = 0

    def arm(self, context):
        self.context = context
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.context == 0:
            return None
        sp = int(pending.read_register("rsp"))
        pc = int(pending.read_register("rip"))
        if (sp, pc) != self.innermost:
            return None
        word = gdb.lookup_type("unsigned long")
        info = pending.create_unwind_info(FrameId(gdb.Value(self.context), gdb.Value(pc)))
        for register, offset in self.SAVED:
            at = gdb.Value(self.context + offset).cast(word.pointer())
            info.add_saved_register(register, at.dereference())
        info.add_saved_register("rsp", gdb.Value(self.context + 0x48).cast(word))
        return info

    def on(self, context, command):
        """The command on the parked stack."""
        newest = gdb.newest_frame()
        self.innermost = (int(newest.read_register("rsp")), int(newest.read_register("rip")))
        self.arm(context)
        try:
            parked = gdb.newest_frame().older()
            if parked is None:
                raise gdb.GdbError("the stack of this goroutine cannot be read")
            parked.select()
            return gdb.execute(command, to_string=True)
        finally:
            self.arm(0)


unwinder = ParkedUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


def thread_of(g):
    """The thread that runs it, or None."""
    try:
        scheduler = inner(
            gdb.parse_and_eval("'%s(anonymous namespace)::the_scheduler'" % NS)["value_"])
    except gdb.error:
        return None
    if int(scheduler) == 0:
        return None
    # A unique_ptr with nothing but its pointer in it.
    slot = gdb.lookup_type("%satomic<%sworker*>" % (NS, NS)).pointer()
    workers = scheduler["workers_"].address.cast(slot.pointer()).dereference()
    for i in range(int(inner(scheduler["worker_count_"]["value_"]))):
        worker = inner((workers + i).dereference()["value_"])
        if int(inner(worker["current_"]["value_"])) == int(g.record.address):
            tid = int(inner(worker["tid_"]["value_"]))
            for t in gdb.selected_inferior().threads():
                if t.ptid[1] == tid:
                    return t
    return None


def run_on(g, command):
    gdb.write("goroutine %d [%s]%s:\n" % (
        g.id, g.reason if g.state == "parked" else g.state, ' "%s"' % g.name if g.name else ""))
    context = g.context()
    if context != 0:
        before = gdb.selected_thread()
        gdb.write(unwinder.on(context, command))
        before.switch()
        return
    thread = thread_of(g)
    if thread is None:
        gdb.write("not started yet\n" if not g.started else "between two stacks\n")
        return
    before = gdb.selected_thread()
    thread.switch()
    try:
        gdb.write(gdb.execute(command, to_string=True))
    finally:
        before.switch()


class InfoGoroutines(gdb.Command):
    """All goroutines: id, state or wait reason, where each was started, name."""

    def __init__(self):
        super().__init__("info goroutines", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for g in goroutines():
            gdb.write(g.line() + "\n")


class GoroutineCommand(gdb.Command):
    """goroutine ID COMMAND, goroutine all COMMAND: the command on the goroutine's stack."""

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        which, _, command = argument.strip().partition(" ")
        if not which:
            raise gdb.GdbError("goroutine ID|all [COMMAND]; the command is bt if none is given")
        chosen = [g for g in goroutines() if which == "all" or str(g.id) == which]
        if not chosen:
            raise gdb.GdbError("there is no goroutine %s" % which)
        for g in chosen:
            run_on(g, command.strip() or "bt")


InfoGoroutines()
GoroutineCommand()


# ---- printers ----

def waiters(queue):
    n = 0
    w = queue["head_"]
    while int(w) != 0 and n < 1000000:
        n += 1
        w = w["next"]
    return n


class ChanPrinter:
    def __init__(self, v):
        self.v = v

    def to_string(self):
        core = self.v["core_"]
        if int(core) == 0:
            return "nil channel"
        c = core.dereference()
        return "channel %s (cap %d, len %d%s, %d receivers and %d senders wait)" % (
            hex(int(core)), int(c["capacity_"]), int(inner(c["count_"]["value_"])),
            ", closed" if bool(inner(c["closed_"]["value_"])) else "", waiters(c["receivers_"]),
            waiters(c["senders_"]))


class MutexPrinter:
    def __init__(self, v):
        self.v = v

    def to_string(self):
        state = int(inner(self.v["state_"]["value_"]))
        return "mutex (%s, %d wait)" % ("locked" if state & 1 else "free",
                                        waiters(self.v["waiters_"]))


class WaitGroupPrinter:
    def __init__(self, v):
        self.v = v

    def to_string(self):
        state = int(inner(self.v["state_"]["value_"]))
        return "wait_group (count %d, %d wait)" % (state >> 32, state & 0xffffffff)


class GoroutinePrinter:
    def __init__(self, v):
        self.v = v

    def to_string(self):
        return "goroutine " + Goroutine(self.v).line().strip()


printers = gdb.printing.RegexpCollectionPrettyPrinter("weft")
printers.add_printer("chan", r"^weft::(chan|recv_chan|send_chan)<.*>$", ChanPrinter)
printers.add_printer("mutex", r"^weft::mutex$", MutexPrinter)
printers.add_printer("wait_group", r"^weft::wait_group$", WaitGroupPrinter)
printers.add_printer("goroutine", r"^weft::detail::goroutine$", GoroutinePrinter)
gdb.printing.register_pretty_printer(None, printers, replace=True)
