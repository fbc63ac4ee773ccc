;;! test = "decode"

;; Custom sections keep their place among the others.
(module
  (@custom "early" (before first) "\01\02")
  (type (func))
  (@custom "late" (after last) "")
  (@custom "after types" (after type) "x"))
;; type 0 () -> ()
;; custom early 0102 after section 0
;; custom after types 78 after section 1
;; custom late  after section 1
