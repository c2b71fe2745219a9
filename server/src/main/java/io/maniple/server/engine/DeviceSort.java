package io.maniple.server.engine;

import static io.maniple.server.engine.DeviceGrids.words;

import io.maniple.cuda.KernelText;
import io.maniple.cuda.RoutineSource;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.kernels.ir.ElementType;
import java.util.List;

/** Sorts rows on a device, stably: short runs first, which are merged from one array into another and back. */
final class DeviceSort {
    private final DeviceGrids grids;
    private final KernelText runs;
    private final KernelText merge;

    /** @param places whether it is told where each key stood before */
    DeviceSort(DeviceGrids grids, ElementType type, boolean places) {
        this.grids = grids;
        this.runs = RoutineSource.sortRuns(type, places);
        this.merge = RoutineSource.merge(type, places);
    }

    List<KernelText> texts() {
        return List.of(runs, merge);
    }

    /** Which of the two arrays the sorted rows will be in. */
    static int last(long length) {
        int last = 0;
        for (long width = RoutineSource.SORTED; width < length; width *= 2) {
            last = 1 - last;
        }
        return last;
    }

    /**
     * Sorts; the result is in the arrays that {@link #last} says.
     *
     * @param in the address of the keys, which may be that of the second array of keys
     * @param keys the addresses of two arrays of as many keys
     * @param places of two arrays of int64, or zeros where no places are wanted
     */
    void run(DeviceStep.Surroundings device, long in, long[] keys, long[] places, long rows, long length)
            throws DeviceException {
        long work = rows * ((length + RoutineSource.SORTED - 1) / RoutineSource.SORTED);
        device.launch(runs, grids.grid(work), words(in, keys[0], places[0], rows, length));
        int from = 0;
        for (long width = RoutineSource.SORTED; width < length; width *= 2) {
            int to = 1 - from;
            device.launch(
                    merge,
                    grids.grid(work),
                    words(keys[from], keys[to], places[from], places[to], rows, length, width));
            from = to;
        }
    }
}
