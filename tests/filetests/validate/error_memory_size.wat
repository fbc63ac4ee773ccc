;;! test = "validate"

(module (memory 65537))
;; ValidationError: memory size must be at most 65536 pages (4GiB) (at byte 0xa)
