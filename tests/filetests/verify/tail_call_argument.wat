;;! test = "verify"
;;! op = "return_call"
;;! change.to = 32
(module (func $f (param i32 i32) (result i32) (return_call $f (i32.const 1) (local.get 1))) (func (param externref) (param i32) (result i32) (local.get 1)))
;; function 0: argument 0 is not written on every path that leads here, or is of another type
;;   .0: enter0 0, 48
;;   .8: r0 = i32.const 1
;; > .16: return_call 16, 16, .32
