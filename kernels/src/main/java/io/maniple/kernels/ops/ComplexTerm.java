package io.maniple.kernels.ops;

import io.maniple.kernels.ir.KernelBuilder;

/** A complex number in the making: its parts, with NumPy's formulas and its lexicographic order. */
record ComplexTerm(Term real, Term imaginary) {
    static ComplexTerm of(KernelBuilder builder, Value value) {
        return new ComplexTerm(new Term(builder, value.real()), new Term(builder, value.imaginary()));
    }

    Value value() {
        return new Value(real.node(), imaginary.node());
    }

    ComplexTerm plus(ComplexTerm other) {
        return new ComplexTerm(real.plus(other.real), imaginary.plus(other.imaginary));
    }

    ComplexTerm minus(ComplexTerm other) {
        return new ComplexTerm(real.minus(other.real), imaginary.minus(other.imaginary));
    }

    ComplexTerm times(ComplexTerm other) {
        return new ComplexTerm(
                real.times(other.real).minus(imaginary.times(other.imaginary)),
                real.times(other.imaginary).plus(imaginary.times(other.real)));
    }

    /**
     * Smith's method; a zero divisor gives infinities and NaN by dividing both parts by +0. What is not selected divides
     * by one, so that the processor's flags are those of the result.
     */
    ComplexTerm over(ComplexTerm divisor) {
        Term realSize = divisor.real.absolute();
        Term imaginarySize = divisor.imaginary.absolute();
        Term wide = realSize.greaterEqual(imaginarySize);
        Term byZero = realSize.isZero().and(imaginarySize.isZero());
        Term one = real.number(1);
        Term large = byZero.select(one, wide.select(divisor.real, divisor.imaginary));
        Term small = wide.select(divisor.imaginary, divisor.real);
        Term ratio = small.over(large);
        Term size = large.plus(small.times(ratio));
        Term scale = one.over(size);
        // Both branches are (p + q * ratio) * scale with the parts of the dividend in different places.
        Term upper =
                wide.select(real.plus(imaginary.times(ratio)), real.times(ratio).plus(imaginary));
        Term lower = wide.select(
                imaginary.minus(real.times(ratio)), imaginary.times(ratio).minus(real));
        Term zero = byZero.select(realSize, one);
        return new ComplexTerm(
                byZero.select(real.over(zero), upper.times(scale)),
                byZero.select(imaginary.over(zero), lower.times(scale)));
    }

    ComplexTerm reciprocal() {
        Term wide = imaginary.absolute().lessEqual(real.absolute());
        Term ratio = wide.select(imaginary, real).over(wide.select(real, imaginary));
        Term size =
                wide.select(real.plus(imaginary.times(ratio)), real.times(ratio).plus(imaginary));
        Term one = real.number(1);
        return new ComplexTerm(
                wide.select(one, ratio).over(size),
                wide.select(ratio, one).negate().over(size));
    }

    ComplexTerm negate() {
        return new ComplexTerm(real.negate(), imaginary.negate());
    }

    ComplexTerm conjugate() {
        return new ComplexTerm(real, imaginary.negate());
    }

    Term equal(ComplexTerm other) {
        return real.equal(other.real).and(imaginary.equal(other.imaginary));
    }

    Term notEqual(ComplexTerm other) {
        return real.notEqual(other.real).or(imaginary.notEqual(other.imaginary));
    }

    /** By the real parts, then the imaginary ones; a NaN in an imaginary part makes different real parts unordered. */
    Term less(ComplexTerm other) {
        return ordered(other).or(real.equal(other.real).and(imaginary.less(other.imaginary)));
    }

    Term lessEqual(ComplexTerm other) {
        return ordered(other).or(real.equal(other.real).and(imaginary.lessEqual(other.imaginary)));
    }

    /** The order of clip, which compares real parts whatever the imaginary ones are. */
    Term lessForClip(ComplexTerm other) {
        return real.less(other.real).or(real.equal(other.real).and(imaginary.less(other.imaginary)));
    }

    private Term ordered(ComplexTerm other) {
        return real.less(other.real).and(imaginary.equal(imaginary)).and(other.imaginary.equal(other.imaginary));
    }

    Term isNan() {
        return real.isNan().or(imaginary.isNan());
    }

    Term truth() {
        return real.notEqual(real.number(0)).or(imaginary.notEqual(imaginary.number(0)));
    }

    /** A condition decides between two complex numbers. */
    static ComplexTerm select(Term condition, ComplexTerm yes, ComplexTerm no) {
        return new ComplexTerm(condition.select(yes.real, no.real), condition.select(yes.imaginary, no.imaginary));
    }
}
