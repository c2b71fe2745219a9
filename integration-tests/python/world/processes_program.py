"""Processes, threads and contexts that share arrays."""

import contextvars
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

SIZE = int(os.environ["WORLD_SIZE"])
shared = None


def work(values):
    return type(values).__name__, float((values * 2 + 1).sum()), (values[:3] * 10).tolist()


def inherited(k):
    return float((shared * k).sum())


def fail(values):
    return values + values[:-1]


def main():
    global shared
    a = np.arange(SIZE) * 1.0
    shared = a * 3
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            print(method, pool.map(work, [a, a * 2, a[::-2] + 1]))
            if method == "fork":
                print(pool.map(inherited, [1, 2, 3]))
            try:
                pool.apply(fail, (a,))
            except ValueError as error:
                print(type(error).__name__, error)
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            futures = [executor.submit(np.sqrt, a * k) for k in range(3)]
            print([round(float(f.result().sum()), 5) for f in futures])
        ours, theirs = context.Pipe()
        process = context.Process(target=send, args=(theirs, a[:5] * 1))
        process.start()
        print(ours.recv())
        process.join()
        queue = context.Queue()
        queue.put(a * 2)
        print(queue.get().sum())

    with ThreadPoolExecutor(4) as executor:
        print([float(v) for v in executor.map(lambda k: (a * k + shared).sum(), range(6))])
    variable = contextvars.ContextVar("variable", default=a)
    token = variable.set(a * 2)
    copied = contextvars.copy_context()
    variable.reset(token)
    print(variable.get().sum(), copied.run(lambda: (variable.get() + 1).sum()))
    print(shared.sum(), a.sum())


def send(connection, values):
    connection.send(values * 2)


if __name__ == "__main__":
    main()
