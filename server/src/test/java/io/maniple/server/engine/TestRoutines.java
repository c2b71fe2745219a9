package io.maniple.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.kernels.ops.Operation;
import io.maniple.kernels.ops.OperationTable;
import io.maniple.server.plan.RoutineForms;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A routine is a row of the table, a form in the planner and code in the engine: all three or none. */
class TestRoutines {
    @Test
    void everyRoutineOfTheTableHasAFormAndCode() throws Exception {
        Set<String> rows = new TreeSet<>();
        for (Operation operation : OperationTable.standard().operations()) {
            if (operation.kind() instanceof Operation.Kind.Routine) {
                rows.add(operation.name());
            }
        }
        assertThat(RoutineForms.names()).containsExactlyInAnyOrderElementsOf(rows);
        try (Workers workers = new Workers(1)) {
            Compilers none = new Compilers(List.of());
            Routines routines = new Routines(workers, none, new Blas(Optional.empty()));
            assertThat(routines.names()).containsExactlyInAnyOrderElementsOf(rows);
        }
    }
}
