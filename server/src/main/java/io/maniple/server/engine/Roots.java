package io.maniple.server.engine;

/** Roots of unity, each correct to the last place or so whatever its index: angles are reduced before they are rounded. */
final class Roots {
    private Roots() {}

    /** The real part of exp(-2πi index / order), for 0 <= index < order. */
    static double real(long index, long order) {
        // Eighths of the circle, so that sine and cosine are only taken of angles up to π/4.
        long eighth = 8 * index / order;
        long rest = 8 * index - eighth * order;
        return switch ((int) eighth) {
            case 0 -> cosine(rest, order);
            case 1 -> sine(order - rest, order);
            case 2 -> -sine(rest, order);
            case 3 -> -cosine(order - rest, order);
            case 4 -> -cosine(rest, order);
            case 5 -> -sine(order - rest, order);
            case 6 -> sine(rest, order);
            default -> cosine(order - rest, order);
        };
    }

    /** The imaginary part of exp(-2πi index / order), for 0 <= index < order. */
    static double imaginary(long index, long order) {
        long eighth = 8 * index / order;
        long rest = 8 * index - eighth * order;
        return switch ((int) eighth) {
            case 0 -> -sine(rest, order);
            case 1 -> -cosine(order - rest, order);
            case 2 -> -cosine(rest, order);
            case 3 -> -sine(order - rest, order);
            case 4 -> sine(rest, order);
            case 5 -> cosine(order - rest, order);
            case 6 -> cosine(rest, order);
            default -> sine(order - rest, order);
        };
    }

    /** Of the angle π/4 * part / whole. */
    private static double cosine(long part, long whole) {
        return Math.cos(Math.PI / 4 * part / whole);
    }

    private static double sine(long part, long whole) {
        return Math.sin(Math.PI / 4 * part / whole);
    }
}
