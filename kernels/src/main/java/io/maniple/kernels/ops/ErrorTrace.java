package io.maniple.kernels.ops;

import io.maniple.kernels.ops.FloatingPointRules.Condition;
import java.util.List;

/** A formula evaluated step by step, and where one of its steps has an error: what the processor's flags would say. */
final class ErrorTrace {
    private Term divide;
    private Term overflow;
    private Term invalid;
    private Term where;

    /** @param where the elements to look at */
    ErrorTrace(Term where) {
        this.where = where;
        this.divide = where.truth(false);
        this.overflow = divide;
        this.invalid = divide;
    }

    /** From here on, other elements are looked at. */
    void at(Term condition) {
        where = condition;
    }

    Term plus(Term x, Term y) {
        return noted(x.plus(y), x, y);
    }

    Term minus(Term x, Term y) {
        return noted(x.minus(y), x, y);
    }

    Term times(Term x, Term y) {
        return noted(x.times(y), x, y);
    }

    Term over(Term x, Term y) {
        Term byZero = y.isZero();
        Term pole = byZero.and(x.isFinite()).and(x.isZero().not());
        divide = divide.or(pole.and(where));
        Term result = x.over(y);
        overflow = overflow.or(overflows(result, x, y).and(byZero.not()).and(where));
        invalid = invalid.or(isInvalid(result, x, y).and(where));
        return result;
    }

    /** x * y + z (or - z), rounded once: what of the product is too large is no error if the result is not. */
    void fused(Term x, Term y, Term z, boolean subtract) {
        Term product = x.times(y);
        Term result = subtract ? product.minus(z) : product.plus(z);
        overflow = overflow.or(overflows(result, x, y).and(z.isFinite()).and(where));
        Term infinite = x.isInfinite().or(y.isInfinite());
        Term unlike = isInvalid(result, product, z).and(infinite);
        Term undefined = isInvalid(product, x, y).and(z.isNan().not());
        invalid = invalid.or(undefined.or(unlike).and(where));
    }

    private Term noted(Term result, Term x, Term y) {
        overflow = overflow.or(overflows(result, x, y).and(where));
        invalid = invalid.or(isInvalid(result, x, y).and(where));
        return result;
    }

    private static Term overflows(Term result, Term x, Term y) {
        return result.isInfinite().and(x.isFinite()).and(y.isFinite());
    }

    private static Term isInvalid(Term result, Term x, Term y) {
        return result.isNan().and(x.isNan().or(y.isNan()).not());
    }

    List<Condition> conditions(int kinds) {
        return FloatingPointRules.list(kinds, divide, overflow, invalid);
    }
}
