"""SIP: grammar, messages, transactions, dialogs, SDP, transports, user agent."""
