internal import Testing

/// Tests of the program itself, over a socket and on real journals: one after the other, because some measure.
@Suite(.serialized, .timeLimit(.minutes(1))) enum EndToEndTests {}
