/// A message of the type `Event` of TensorFlow's `event.proto`, encoded as a protocol buffer.
struct TensorBoardEvent {
    private(set) var bytes: [UInt8]

    /// The first event of a file: the version of the format.
    static func version(at time: Double) -> TensorBoardEvent {
        var event = TensorBoardEvent(time: time, step: 0)
        event.bytes.append(field: 3, Array("brain.Event:2".utf8))
        return event
    }

    /// The event upon which a reader forgets the steps that it has from earlier files.
    static func start(at time: Double) -> TensorBoardEvent {
        var event = TensorBoardEvent(time: time, step: 0)
        // A SessionLog whose status is START.
        event.bytes.append(field: 7, [0x08, 0x01])
        return event
    }

    /// The scalars of a report.
    init(_ report: Report, at time: Double) {
        self.init(time: time, step: report.update)
        let scalars =
            [("loss/training", report.trainingLoss)]
            + (report.validationLoss.map { [("loss/validation", $0)] } ?? [])
            + (report.validationLosses ?? []).map { ("loss/validation/\($0.text)", $0.loss) }
            + [("learning rate", report.learningRate), ("speed", report.charactersPerSecond)]
        var summary: [UInt8] = []
        for (tag, value) in scalars {
            var scalar: [UInt8] = []
            scalar.append(field: 1, Array(tag.utf8))
            scalar.append(field: 2, Float(value))
            summary.append(field: 1, scalar)
        }
        bytes.append(field: 5, summary)
    }

    private init(time: Double, step: Int) {
        bytes = []
        bytes.append(field: 1, time)
        if step > 0 { bytes.append(field: 2, step) }
    }
}

/// Fields of protocol buffers: a key of the field's number and wire type, and the value.
extension [UInt8] {
    fileprivate mutating func append(field: UInt64, _ number: Int) {
        append(varint: field << 3)
        append(varint: UInt64(number))
    }

    fileprivate mutating func append(field: UInt64, _ number: Double) {
        append(varint: field << 3 | 1)
        append(littleEndian: number.bitPattern)
    }

    fileprivate mutating func append(field: UInt64, _ number: Float) {
        append(varint: field << 3 | 5)
        append(littleEndian: number.bitPattern)
    }

    fileprivate mutating func append(field: UInt64, _ contents: [UInt8]) {
        append(varint: field << 3 | 2)
        append(varint: UInt64(contents.count))
        append(contentsOf: contents)
    }

    /// Seven bits a byte, the lowest first; the highest bit of a byte says that another follows.
    private mutating func append(varint number: UInt64) {
        var rest = number
        while rest > 0x7F {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }
}
