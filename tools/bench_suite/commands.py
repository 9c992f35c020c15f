"""The command line."""

import argparse
import os
import subprocess
import time
from pathlib import Path

from . import diff, micro, readme, table
from .build import build, cmake_build, cmake_cache, install_what_is_missing
from .machine import header
from .programs import BINARIES, LANGUAGES, MICRO, ROOT, WEFT, Failure, say, tail
from .progress import Progress
from .run import count_runs, list_workloads, measure, plan_runs, run_once
from .samples import Results, load, save

SMOKE_SCALE = 0.02

DESCRIPTION = """Builds and runs weft's benchmarks.

  tools/bench compare     weft beside Go, Boost.Fiber and TBB: medians, ratios, losses
  tools/bench micro       weft's primitives one by one: times, and what an operation does
  tools/bench diff        two files that compare or micro --json wrote, row by row; or one and the
                          stored baseline
  tools/bench baseline    makes such a file the stored baseline, and writes README's table from it
  tools/bench readme      writes README's table
  tools/bench smoke       every weft workload once, small: does it run, is its result right?

bench/README.md says what the workloads do and how to read the table.
"""


def compare(args):
    if args.baseline and args.only:
        raise Failure("a baseline has every workload: --baseline without --only")
    languages = list(LANGUAGES)
    if args.no_build:
        install_what_is_missing([], ["matplotlib", "jinja2"] if args.html else [])
        broken = {}
    else:
        install_what_is_missing(languages, ["matplotlib", "jinja2"] if args.html else [])
        broken = build(languages, args.jobs)
    for language in languages:
        if language not in broken and not BINARIES[language].exists():
            broken[language] = f"{BINARIES[language].relative_to(ROOT)} does not exist"
    runnable = [language for language in languages if language not in broken]
    plan = plan_runs({language: list_workloads(language) for language in runnable}, args.only)
    notes = sorted({note for has in plan.values() for note in has.values() if note})
    settings = {"rounds": args.rounds, "scale": args.scale, "only": args.only}
    results = Results(header(args.rounds, args.scale), settings, notes, broken)

    def run(language, workload, procs):
        return run_once(language, workload, procs, args.scale, args.timeout)

    with Progress(count_runs(plan, args.procs, args.rounds)) as progress:
        results.at = measure(plan, runnable, args.procs, args.rounds, run, progress.step)

    print(table.report(results))
    if args.json:
        save(results, args.json)
    if args.html:
        write_page(results, args.html)
    if args.baseline:
        readme.set_baseline(results)
    return 0 if results.is_complete() else 1


def write_page(results, path):
    from . import page  # here: only the HTML report needs matplotlib and jinja2

    page.write(results, path)
    say(f"{path} is written: open it in a browser")


def html(args):
    install_what_is_missing([], ["matplotlib", "jinja2"])
    write_page(load(args.file), args.html)
    return 0


def smoke(args):
    broken = {} if args.no_build else build_for_smoke(args.jobs)
    if broken:
        raise Failure(f"weft could not be built: {broken[WEFT]}")
    failures = 0

    def step(what, action):
        nonlocal failures
        began = time.monotonic()
        try:
            action()
            verdict = "ok"
        except Failure as failure:
            failures += 1
            verdict = f"FAILED: {failure}"
        print(f"{what:<26} {time.monotonic() - began:5.1f} s  {verdict}", flush=True)

    for procs in args.procs:
        for name in args.only or list_workloads(WEFT):
            step(
                f"procs {procs}  {name}",
                lambda: run_once(WEFT, name, procs, SMOKE_SCALE, args.timeout),
            )
    if not args.only:
        if has_google_benchmark():
            step("weft_micro", lambda: micro_once(args))
        else:
            print("weft_micro is not run: no Google Benchmark (tools/install bench)")
    return 1 if failures else 0


def build_for_smoke(jobs):
    install_what_is_missing([WEFT])
    return build([WEFT], jobs)


def has_google_benchmark():
    folder = cmake_cache().get("benchmark_DIR", "NOTFOUND")
    return not folder.endswith("NOTFOUND")


def micro_once(args):
    """Each micro benchmark for as short as it can be: they check their results themselves."""
    message = None if args.no_build else cmake_build("weft_micro", args.jobs)
    if message:
        raise Failure(f"cannot be built: {message}")
    command = [MICRO, "--benchmark_min_time=0.0001"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5 * args.timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(str(error)) from None
    if done.returncode:
        raise Failure(f"status {done.returncode}\n{tail(done.stdout)}\n{tail(done.stderr)}")


def run_micro(args):
    if args.baseline and args.only:
        raise Failure("a baseline has every benchmark: --baseline without --only")
    if not args.no_build:
        install_what_is_missing([WEFT])
        say("building weft_micro")
        message = cmake_build("weft_micro", args.jobs)
        if not has_google_benchmark():
            raise Failure("no Google Benchmark; as root: tools/install bench")
        if message:
            raise Failure(f"cannot be built: {message}")
    about = micro.facts(header(args.rounds, 1), args)
    with Progress(args.rounds) as progress:
        results = micro.measure(args, about, lambda: progress.step("weft_micro"))
    print(micro.report(results))
    if args.json:
        micro.save(results, args.json)
    if args.baseline:
        micro.set_baseline(results)
    return 0


def show_diff(args):
    """Exit status 0 whatever has changed: a person judges."""
    if len(args.files) > 2:
        raise Failure("diff takes one file, or two: [OLD] NEW")
    new = args.files[-1]
    new_micro = micro.load(new)
    command, baseline = ("micro", micro.BASELINE) if new_micro else ("compare", readme.BASELINE)
    if len(args.files) == 1 and not baseline.exists():
        raise Failure(f"no stored baseline yet (tools/bench {command} --baseline): diff OLD NEW")
    old = args.files[0] if len(args.files) == 2 else baseline
    old_micro = micro.load(old)
    if (new_micro is None) != (old_micro is None):
        raise Failure("one file is of tools/bench micro, the other of tools/bench compare")
    print(micro.diff(old_micro, new_micro) if new_micro else diff.report(load(old), load(new)))
    return 0


def set_baseline(args):
    readme.set_baseline(load(args.file))
    return 0


def write_readme(args):
    readme.write(load(args.file))
    return 0


def names(text):
    return [name for name in text.split(",") if name]


def positive(kind, text):
    value = kind(text)
    if not value > 0:
        raise ValueError(text)
    return value


def procs_list(text):
    return sorted({positive(int, part) for part in names(text)})


def positive_int(text):
    return positive(int, text)


def positive_float(text):
    return positive(float, text)


def command_line():
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, function, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=function)
        return sub

    def option(sub, name, kind, default, metavar, text):
        sub.add_argument(name, type=kind, default=default, metavar=metavar, help=text)

    compared = command("compare", compare, "build the workloads in all languages; run, compare")
    option(compared, "--rounds", positive_int, 5, "N", "runs of each; default 5")
    option(compared, "--scale", positive_float, 1.0, "F", "factor for the counts; default 1")
    option(compared, "--json", Path, None, "FILE", "write every sample there")
    option(compared, "--html", Path, None, "FILE", "write a report with plots there")
    compared.add_argument(
        "--baseline",
        action="store_true",
        help="the result becomes bench/baseline.json and README's table",
    )
    smoked = command(
        "smoke", smoke, "run each weft workload once, small, and check its exit status"
    )
    for sub in (compared, smoked):
        option(sub, "--procs", procs_list, [1, 2], "N[,N]", "goroutines at once; default 1,2")
        option(sub, "--only", names, [], "X[,Y]", "these workloads; default all")
        option(sub, "--timeout", positive_int, 120, "S", "seconds for one run; default 120")
        option(sub, "--jobs", positive_int, os.cpu_count() or 1, "N", "of the build; default all")
        sub.add_argument("--no-build", action="store_true", help="run what was built before")

    small = command("micro", run_micro, "run the micro benchmarks: times and counts per operation")
    option(small, "--rounds", positive_int, 3, "N", "runs of all; default 3")
    option(small, "--min-time", positive_float, 0.1, "S", "seconds for each in a run; default 0.1")
    option(small, "--only", str, "", "REGEX", "those whose name matches; default all")
    option(small, "--json", Path, None, "FILE", "write every sample there")
    option(small, "--timeout", positive_int, 900, "S", "seconds for one run of all; default 900")
    option(small, "--jobs", positive_int, os.cpu_count() or 1, "N", "of the build; default all")
    small.add_argument("--no-build", action="store_true", help="run what was built before")
    small.add_argument(
        "--baseline", action="store_true", help="the result becomes bench/micro_baseline.json"
    )

    differ = command(
        "diff", show_diff, "compare two files of compare --json (weft, weft/Go) or of micro --json"
    )
    differ.add_argument("files", type=Path, nargs="+", metavar="[OLD] NEW")
    based = command("baseline", set_baseline, "store a file of compare --json as the baseline")
    based.add_argument("file", type=Path)
    told = command("readme", write_readme, "write README's table from a file of compare --json")
    told.add_argument("file", type=Path, nargs="?", default=readme.BASELINE)
    shown = command("html", html, "write the report with plots from a file of compare --json")
    shown.add_argument("file", type=Path)
    shown.add_argument("html", type=Path)
    return parser.parse_args()


def main():
    args = command_line()
    try:
        return args.run(args)
    except (Failure, OSError) as failure:
        say(f"tools/bench: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
