// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// The functions of a beam, which a `chargen_beam` points to. include/chargen.h describes them.

@c @implementation
public func chargen_beam_create(
    _ model: OpaquePointer?, _ width: Int, _ length: Int, _ threads: Int,
    _ beam: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    beam?.pointee = nil
    return status { () throws(ChargenError) in
        let model = try object(model, Model.self, "model")
        let beam = try required(beam, "beam")
        beam.pointee = try handle(Beam(model, width: width, length: length, threads: threads))
    }
}

@c @implementation
public func chargen_beam_free(_ beam: OpaquePointer?) {
    release(beam, Beam.self)
}

@c @implementation
public func chargen_beam_search(
    _ beam: OpaquePointer?, _ session: OpaquePointer?, _ length: Int, _ count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    count?.pointee = 0
    return status { () throws(ChargenError) in
        let beam = try object(beam, Beam.self, "beam")
        let session = try object(session, Session.self, "session")
        let count = try required(count, "count")
        count.pointee = try beam.find(session, length: length)
    }
}

@c @implementation
public func chargen_beam_text(
    _ beam: OpaquePointer?, _ index: Int, _ text: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
    _ length: UnsafeMutablePointer<Int>?, _ log_probability: UnsafeMutablePointer<Double>?,
    _ ended: UnsafeMutablePointer<Int32>?
) -> chargen_status {
    text?.pointee = nil
    length?.pointee = 0
    log_probability?.pointee = 0
    ended?.pointee = 0
    return status { () throws(ChargenError) in
        let beam = try object(beam, Beam.self, "beam")
        let text = try required(text, "text")
        guard (0..<beam.count).contains(index) else {
            throw ChargenError(
                .invalidArgument,
                "the argument 'index' must be less than the number of continuations that the last search found, "
                    + "\(beam.count)")
        }
        let result = beam.text(index)
        text.pointee = UnsafeRawPointer(result.baseAddress)?.assumingMemoryBound(to: CChar.self)
        length?.pointee = result.count
        log_probability?.pointee = beam.logProbability(index)
        ended?.pointee = beam.hasEnded(index) ? 1 : 0
    }
}
