package io.maniple.server.distribution;

import java.util.List;

/** The other workers that run the same program. All of them make the same exchanges in the same order. */
public interface Peers {
    /** This worker's number. */
    int rank();

    int size();

    /**
     * Pieces of memory that go to one peer or come from it, in the order both agree on.
     *
     * @param addresses where each piece lies
     * @param lengths bytes of each piece
     */
    record Parcel(int peer, long[] addresses, long[] lengths) {
        /** Whether the lengths are known; what comes is dropped otherwise. */
        public boolean isExact() {
            for (long address : addresses) {
                if (address == 0) {
                    return false;
                }
            }
            return true;
        }

        public long bytes() {
            long bytes = 0;
            for (long length : lengths) {
                bytes += length;
            }
            return bytes;
        }
    }

    /**
     * Sends and receives; the sent memory may be changed when it returns. A spoiled parcel has content that means nothing.
     *
     * @param outgoing at most one a peer, none of them empty
     * @param spoiled one entry an outgoing parcel: whether its content means nothing
     * @param incoming at most one a peer, none of them empty
     * @return one entry an incoming parcel: whether it is spoiled
     * @throws PeersException if a peer is lost
     */
    boolean[] exchange(List<Parcel> outgoing, boolean[] spoiled, List<Parcel> incoming);

    /** A peer is gone, or the exchange is given up: what the session has here is worth nothing any more. */
    final class PeersException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public PeersException(String message) {
            super(message);
        }
    }
}
