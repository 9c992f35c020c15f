"""What tools/bench is made of: one module per step, from the build to the pages.

  programs   which programs are compared, and how a command is asked for its output
  build      what must be installed; building the programs
  machine    what a reader must know of the machine to judge the numbers
  run        one process per run, in turns; the output protocol of a workload program
  samples    everything that was measured, and its JSON
  judge      ratios, means, targets, losses, noise: every rule is here
  table      the report on a terminal
  plots      the figures of the HTML report
  page       the HTML report around them (page.html is its template)
  readme     the table in README.md, and the stored baseline that it shows
  diff       two files of samples, row by row
  micro      the micro benchmarks: runs, files, differences
  progress   the bar while it measures
  commands   the command line
"""
