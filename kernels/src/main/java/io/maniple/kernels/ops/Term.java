package io.maniple.kernels.ops;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.Primitive;

/** One node of a kernel in the making, with the primitives as methods, so that a lowering reads like its formula. */
record Term(KernelBuilder builder, int node) {
    ElementType type() {
        return builder.typeOf(node);
    }

    Value value() {
        return Value.of(node);
    }

    /** A constant of this term's type. */
    Term number(double value) {
        return new Term(builder, builder.number(type(), value));
    }

    /** A constant of this term's type by its bits. */
    Term bits(long bits) {
        return new Term(builder, builder.literal(type(), bits));
    }

    Term truth(boolean value) {
        return new Term(builder, builder.literal(ElementType.BOOL, value ? 1 : 0));
    }

    Term cast(ElementType type) {
        return new Term(builder, builder.cast(node, type));
    }

    Term reinterpret(ElementType type) {
        return new Term(builder, builder.reinterpret(node, type));
    }

    Term apply(Primitive primitive) {
        return new Term(builder, builder.apply(primitive, node));
    }

    Term apply(Primitive primitive, Term other) {
        return new Term(builder, builder.apply(primitive, node, other.node));
    }

    Term plus(Term other) {
        return apply(Primitive.ADD, other);
    }

    Term minus(Term other) {
        return apply(Primitive.SUBTRACT, other);
    }

    Term times(Term other) {
        return apply(Primitive.MULTIPLY, other);
    }

    Term over(Term other) {
        return apply(Primitive.DIVIDE, other);
    }

    /** This times a factor plus a term, rounded once. */
    Term fused(Term factor, Term term) {
        return new Term(builder, builder.apply(Primitive.FUSED_MULTIPLY_ADD, node, factor.node, term.node));
    }

    Term negate() {
        return apply(Primitive.NEGATE);
    }

    Term absolute() {
        return apply(Primitive.ABSOLUTE);
    }

    Term and(Term other) {
        return apply(Primitive.AND, other);
    }

    Term or(Term other) {
        return apply(Primitive.OR, other);
    }

    Term xor(Term other) {
        return apply(Primitive.XOR, other);
    }

    Term not() {
        return apply(Primitive.NOT);
    }

    Term shiftLeft(int count) {
        return apply(Primitive.SHIFT_LEFT, number(count));
    }

    Term shiftRight(int count) {
        return apply(Primitive.SHIFT_RIGHT, number(count));
    }

    Term less(Term other) {
        return apply(Primitive.LESS, other);
    }

    Term lessEqual(Term other) {
        return apply(Primitive.LESS_EQUAL, other);
    }

    Term greater(Term other) {
        return other.less(this);
    }

    Term greaterEqual(Term other) {
        return other.lessEqual(this);
    }

    Term equal(Term other) {
        return apply(Primitive.EQUAL, other);
    }

    Term notEqual(Term other) {
        return apply(Primitive.NOT_EQUAL, other);
    }

    Term isNegative() {
        return less(number(0));
    }

    Term isZero() {
        return equal(number(0));
    }

    Term isNan() {
        return notEqual(this);
    }

    Term isInfinite() {
        return absolute().equal(number(Double.POSITIVE_INFINITY));
    }

    Term isFinite() {
        return absolute().less(number(Double.POSITIVE_INFINITY));
    }

    /** This condition decides between two terms. */
    Term select(Term yes, Term no) {
        return new Term(builder, builder.apply(Primitive.SELECT, node, yes.node, no.node));
    }

    /** The integer type of the same width. */
    ElementType bitsType() {
        return type() == ElementType.FLOAT64 ? ElementType.INT64 : ElementType.INT32;
    }

    /** This floating-point magnitude with the sign bit of another. */
    Term copySign(Term other) {
        Term mask = reinterpret(bitsType()).bits(type() == ElementType.FLOAT64 ? Long.MIN_VALUE : Integer.MIN_VALUE);
        Term sign = other.reinterpret(bitsType()).and(mask);
        return absolute().reinterpret(bitsType()).or(sign).reinterpret(type());
    }

    /** Whether the sign bit is set. */
    Term signBit() {
        return reinterpret(bitsType()).isNegative();
    }
}
