;;! test = "verify"
;;! op = "i32.add"
(module (func (param i32 i32) (result i32) (local i32) (i32.add (local.get 0) (local.get 1))))
;; valid
