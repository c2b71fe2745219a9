/**
 * Kernels as x86-64 machine code, written from Java: no native library is shipped and no compiler is needed.
 *
 * <p>In reading order: {@link io.maniple.kernels.x86.Lowering} turns a kernel's nodes into vector instructions in
 * single-assignment form ({@link io.maniple.kernels.x86.Steps}), with the help of {@code Integers}, {@code Floats} and
 * {@code Conversions}; {@link io.maniple.kernels.x86.KernelEmitter} lays out the loops around them;
 * {@link io.maniple.kernels.x86.SectionEmitter} emits the body once for each of its modes, giving out registers by
 * {@link io.maniple.kernels.x86.RegisterFile}; {@link io.maniple.kernels.x86.OperandAccess} and
 * {@link io.maniple.kernels.x86.LaneEmitter} know the sequences for memory and for single lanes;
 * {@link io.maniple.kernels.x86.Assembler} writes the bytes and {@link io.maniple.kernels.x86.CodeMemory} makes them
 * executable.
 */
package io.maniple.kernels.x86;
