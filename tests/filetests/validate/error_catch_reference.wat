;;! test = "validate"

(module (tag $e (param i32)) (func (block $l (result i32) (try_table (catch_ref $e $l)) (i32.const 1)) drop))
;; ValidationError: type mismatch: a catch pushes other values than its label takes (function 0, at byte 0x22)
