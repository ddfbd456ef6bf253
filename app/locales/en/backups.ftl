nav-backups = Backups
backups-lead = The server copies its SQLite database and the audit checkpoints on a schedule.
backups-none = No scheduled backups
backups-none-text = Set backup.folder in the configuration file to an existing folder, and restart the server. To make one backup, run castellan backup FILE. PostgreSQL has its own tools, which the guide describes.
backups-state = State
backups-good = Backups work
backups-failed = The last attempt failed
backups-waiting = Waiting for the first backup
backups-last = Last backup
backups-interval = Interval
backups-minutes = { $n ->
    [one] 1 minute
   *[other] { $n } minutes
}
backups-keep = Backups to keep
backups-folder = Folder
backups-failed-text = The last attempt failed. See the server log for the cause.
backups-keys = Scheduled backups do not contain the keys of data/secrets, without which they cannot be restored. Keep a copy of the keys elsewhere, or make a backup with castellan backup FILE --with-keys.
