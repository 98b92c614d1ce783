import Core

/// A syntax tree as a nondeterministic finite automaton (Thompson, "Regular expression search
/// algorithm", 1968), built from its end: each part knows where the text goes on after it.
struct NondeterministicAutomaton {
    struct State: BitwiseCopyable {
        /// The set of the character that leads to `first`; −1 if both ways are taken without one.
        var set: Int
        var first: Int
        /// −1 if there is none.
        var second = -1
    }

    private(set) var states: List<State>
    private(set) var start = 0

    /// The state in which a text may end.
    static var accepting: Int { 0 }
    /// The most states.
    static var maximumCount: Int { 20_000 }

    /// - Throws: `invalidPattern` if it has too many states; `outOfMemory`.
    init(_ tree: borrowing SyntaxTree, _ budget: inout Budget) throws(ChargenError) {
        states = try List()
        try states.append(State(set: -1, first: -1))
        start = try build(tree.root, tree, next: NondeterministicAutomaton.accepting, &budget)
    }

    /// The state before a node, given the one after it.
    private mutating func build(
        _ node: Int, _ tree: borrowing SyntaxTree, next: Int, _ budget: inout Budget
    ) throws(ChargenError) -> Int {
        try budget.spend(1)
        let content = tree.nodes[node].content
        switch tree.nodes[node].kind {
        case .character: return try add(State(set: content, first: next))
        case .sequence:
            var next = next
            var child = content
            while child >= 0 {
                next = try build(child, tree, next: next, &budget)
                child = tree.nodes[child].previous
            }
            return next
        case .alternation:
            var child = content
            var start = -1
            while child >= 0 {
                let branch = try build(child, tree, next: next, &budget)
                start = start < 0 ? branch : try add(State(set: -1, first: branch, second: start))
                child = tree.nodes[child].previous
            }
            return start
        case .repetition:
            let (least, most) = (tree.nodes[node].least, tree.nodes[node].most)
            var start = next
            if most < 0 {
                start = try add(State(set: -1, first: -1, second: next))
                states[start].first = try build(content, tree, next: start, &budget)
            } else {
                for _ in least..<most {
                    let branch = try build(content, tree, next: start, &budget)
                    start = try add(State(set: -1, first: branch, second: next))
                }
            }
            for _ in 0..<least { start = try build(content, tree, next: start, &budget) }
            return start
        }
    }

    private mutating func add(_ state: State) throws(ChargenError) -> Int {
        guard states.count < NondeterministicAutomaton.maximumCount else { throw Budget.exceeded }
        try states.append(state)
        return states.count - 1
    }
}

/// The work that compiling a pattern may take, in steps of a few nanoseconds: expressions of a few
/// characters can describe automata of any size.
struct Budget {
    #if FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
        // What libFuzzer counts makes each step ten times as slow, and no input may take a second.
        private var left = 5_000_000
    #else
        private var left = 100_000_000
    #endif

    /// - Throws: `invalidPattern` when it is exceeded.
    mutating func spend(_ steps: Int) throws(ChargenError) {
        left -= steps
        guard left >= 0 else { throw Budget.exceeded }
    }

    static var exceeded: ChargenError {
        ChargenError(
            .invalidPattern,
            "the pattern is too large: as an automaton it would have more than \(Automaton.maximumCount) states or "
                + "take too long to compile; repeat less, or use fewer alternatives")
    }
}
