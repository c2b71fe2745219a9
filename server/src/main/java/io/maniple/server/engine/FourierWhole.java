package io.maniple.server.engine;

/** Complex rows, or real ones of odd length, which are transformed as complex ones without an imaginary part. */
final class FourierWhole extends FourierEnds {
    private final long length;
    private final boolean fromReal;
    private final boolean toReal;
    private final boolean backward;

    FourierWhole(RoutineCall call, long length, boolean backward) {
        super(call);
        this.length = length;
        this.fromReal = !call.layout(1).type().isComplex();
        this.toReal = !call.layout(0).type().isComplex();
        this.backward = backward;
    }

    @Override
    long length() {
        return length;
    }

    @Override
    long stores() {
        return outLength;
    }

    @Override
    boolean storesOneByOne() {
        return true;
    }

    /** Elements beyond the input are zeros; backward, the parts change places. */
    @Override
    void load(long row, Row work, long begin, long end) {
        long realTo = backward ? work.imaginary() : work.real();
        long imaginaryTo = backward ? work.real() : work.imaginary();
        if (!toReal && !isSingle() && end <= inLength) {
            load(source(row), realTo, imaginaryTo, work.step(), begin, end);
            return;
        }
        long first = source(row);
        for (long index = begin; index < end; index++) {
            // A transform to real numbers is given one half of its input; the other one is its mirror image.
            boolean mirrored = toReal && index > length / 2;
            long position = mirrored ? length - index : index;
            double real = 0;
            double imaginary = 0;
            if (position < inLength) {
                long element = first + sourceStep() * position;
                real = get(element);
                // What the mirror image would contradict is taken to be zero.
                boolean own = !toReal || position != 0 && 2 * position != length;
                imaginary = fromReal || !own ? 0 : get(element + part);
                imaginary = mirrored ? -imaginary : imaginary;
            }
            put(realTo + work.step() * index, real);
            put(imaginaryTo + work.step() * index, imaginary);
        }
    }

    /** Double precision, all of it there: what is usual, in a loop of its own. */
    private void load(long first, long realTo, long imaginaryTo, long step, long begin, long end) {
        if (fromReal) {
            for (long index = begin; index < end; index++) {
                put(realTo + step * index, FourierPasses.get(first + sourceStep() * index));
                put(imaginaryTo + step * index, 0);
            }
            return;
        }
        for (long index = begin; index < end; index++) {
            long element = first + sourceStep() * index;
            put(realTo + step * index, FourierPasses.get(element));
            put(imaginaryTo + step * index, FourierPasses.get(element + 8));
        }
    }

    @Override
    void store(long row, Row result, long begin, long end) {
        long realFrom = backward ? result.imaginary() : result.real();
        long imaginaryFrom = backward ? result.real() : result.imaginary();
        long first = target(row);
        if (!toReal && !isSingle() && !fromReal) {
            for (long index = begin; index < end; index++) {
                long element = first + targetStep() * index;
                put(element, FourierPasses.get(realFrom + result.step() * index) * factor);
                put(element + 8, FourierPasses.get(imaginaryFrom + result.step() * index) * factor);
            }
            return;
        }
        for (long index = begin; index < end; index++) {
            double real = FourierPasses.get(realFrom + result.step() * index) * factor;
            double imaginary = FourierPasses.get(imaginaryFrom + result.step() * index) * factor;
            long element = first + targetStep() * index;
            write(element, real);
            if (!toReal) {
                write(element + part, fromReal && (index == 0 || 2 * index == length) ? 0 : imaginary);
            }
        }
    }
}
