package io.maniple.server.distribution;

/**
 * Bytes that a step reads or writes.
 *
 * @param buffer its number in the batch's plan
 */
public record Touch(int buffer, Spans spans) {}
