package io.maniple.daemon.security;

import java.util.OptionalLong;

/**
 * Who may use the daemon.
 *
 * @param operator sees and ends everybody's sessions
 * @param memoryBytes most memory of all sessions together; empty: what a session may have
 * @param sessions most sessions at a time; empty: as many as the daemon has
 */
public record User(String name, boolean operator, OptionalLong memoryBytes, OptionalLong sessions) {}
