;;! test = "translate"
(module
  (memory 1)
  (data $d "x")
  (func (export "loads") (param i32) (result i64)
    (i64.add (i64.load8_s (local.get 0)) (i64.load32_u offset=65535 (local.get 0))))
  (func (export "far") (param i32) (i32.store offset=65536 (local.get 0) (i32.load16_u offset=100000 (local.get 0))))
  (func (export "constants") (param i32)
    (i32.store8 (local.get 0) (i32.const 255)) (i64.store (local.get 0) (i64.const -1)) (f64.store (local.get 0) (f64.const 0))
    (i32.store (local.get 0) (i32.const 0x12345)) (i64.store16 (local.get 0) (i64.const 0x100000001)))
  (func (export "size") (result i32) (memory.grow (memory.size)))
  (func (export "bulk") (param i32)
    (memory.copy (local.get 0) (i32.const 1) (i32.const 2))
    (memory.fill (local.get 0) (i32.const 1) (i32.const 2))
    (memory.init $d (local.get 0) (i32.const 1) (i32.const 2))
    (data.drop $d)))
;; function 0 loads (i32) -> (i64)  frame 5
;;          enter0 0, 40
;;          r3 = load8_s.i64 memory0 r0, 0
;;          r4 = load32 memory0 r0, 65535
;;          r0 = i64.add r3, r4
;;          return 8
;; function 1 far (i32) -> ()  frame 5
;;          enter0 0, 40
;;          r4 = load16_u memory0 far r0, 100000
;;          store32 memory0 far r0, r4, 65536
;;          return 8
;; function 2 constants (i32) -> ()  frame 5
;;          enter0 0, 40
;;          store8 memory0_imm r0, 255, 0
;;          store64 memory0_imm r0, -1, 0
;;          store64 memory0_imm r0, 0, 0
;;          r3 = i32.const 74565
;;          store32 memory0 r0, r3, 0
;;          store16 memory0_imm r0, 1, 0
;;          return 8
;; function 3 size () -> (i32)  frame 4
;;          enter0 0, 32
;;          r3 = memory.size
;;          r3 = memory.grow r3
;;          r0 = move r3
;;          return 8
;; function 4 bulk (i32) -> ()  frame 6
;;          enter0 0, 48
;;          r4 = i32.const 1
;;          r5 = i32.const 2
;;          memory.copy r0, r4, r5
;;          r4 = i32.const 1
;;          r5 = i32.const 2
;;          memory.fill r0, r4, r5
;;          r4 = i32.const 1
;;          r5 = i32.const 2
;;          memory.init data 0, r0, r4, r5
;;          data.drop data 0
;;          return 8
