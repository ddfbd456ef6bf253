# The first page.
overview-lead = What waits for you, what runs, and what went wrong.
overview-counts = Tasks by state
overview-waiting = Waiting for your answer
overview-waiting-none = Nothing waits for you.
overview-expires = Expires
overview-running = Running
overview-running-none = Nothing runs now.
overview-failed = Failed lately
overview-failed-none = Nothing has failed.
overview-no-runner = No runner is connected: tasks wait until one is. See the runners.
overview-first = Run a first task
overview-first-text = A small script shows what a task sees inside its sandbox: who it is, which files and variables there are, and that there is no network. It takes a few seconds and changes nothing.
overview-first-script = See the script
overview-first-title = First look around
overview-first-run = Run it
overview-first-own = Write my own
