"""What Maniple's daemon needs to run on Spark: the jar for its executors and a Java runtime for all of Spark.

`jars` and `java` are their folders. Not meant to be used by anything else.
"""

from pathlib import Path

from maniple_runtime import restore_execute_bits

__version__ = "0.1.0"

jars = Path(__file__).parent / "jars"
java = Path(__file__).parent / "java"
restore_execute_bits(java)
