// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine
import ModelFormat

// The labels of a model's documents. include/chargen.h describes the functions.

@c @implementation
public func chargen_model_label_column_count(_ model: OpaquePointer?) -> Int {
    existing(model, Model.self)?.labelColumnCount ?? 0
}

@c @implementation
public func chargen_model_label_count(_ model: OpaquePointer?, _ column: Int) -> Int {
    existing(model, Model.self)?.labelCount(column: column) ?? 0
}

@c @implementation
public func chargen_model_label_column(_ model: OpaquePointer?, _ column: Int) -> UnsafePointer<CChar>? {
    existing(model, Model.self)?.labelName(nil, column: column) ?? ("" as StaticString).cString
}

@c @implementation
public func chargen_model_label(_ model: OpaquePointer?, _ column: Int, _ label: Int) -> UnsafePointer<CChar>? {
    existing(model, Model.self)?.labelName(label, column: column) ?? ("" as StaticString).cString
}

@c @implementation
public func chargen_model_find_label(
    _ model: OpaquePointer?, _ column: Int, _ name: UnsafePointer<CChar>?, _ length: Int,
    _ label: UnsafeMutablePointer<Int32>?
) -> chargen_status {
    label?.pointee = -1
    return status { () throws(ChargenError) in
        let model = try object(model, Model.self, "model")
        let name = try checkedBytes(name, "name", length, "length")
        let label = try required(label, "label")
        guard let found = try model.labels(havingColumn: column).label(named: name, in: column) else {
            throw ChargenError(.invalidArgument, "the column has no label of the name in the argument 'name'")
        }
        label.pointee = Int32(found)
    }
}

@c @implementation
public func chargen_session_set_label(_ session: OpaquePointer?, _ column: Int, _ label: Int32) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.setLabel(label == -1 ? nil : Int(label), column: column)
    }
}

@c @implementation
public func chargen_session_set_label_weights(
    _ session: OpaquePointer?, _ column: Int, _ weights: UnsafePointer<Float>?, _ count: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let weights = try required(weights, "weights")
        try session.setLabelWeights(UnsafeBufferPointer(start: weights, count: max(count, 0)), column: column)
    }
}

@c @implementation
public func chargen_session_set_initial_state(
    _ session: OpaquePointer?, _ values: UnsafePointer<Float>?, _ count: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let values = try values.map { (values) throws(ChargenError) in try checkedState(values, count, session) }
        try session.setInitialState(values)
    }
}

@c @implementation
public func chargen_session_classify(
    _ session: OpaquePointer?, _ column: Int, _ text: UnsafePointer<CChar>?, _ length: Int, _ is_whole: Int32,
    _ probabilities: UnsafeMutablePointer<Float>?, _ count: Int
) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let text = try checkedBytes(text, "text", length, "length")
        let probabilities = try required(probabilities, "probabilities")
        let room = UnsafeMutableBufferPointer(start: probabilities, count: max(count, 0))
        try session.classify(text, column: column, isWhole: is_whole != 0, room)
    }
}

@c @implementation
public func chargen_session_classify_prefixes(
    _ session: OpaquePointer?, _ column: Int, _ text: UnsafePointer<CChar>?, _ length: Int,
    _ probabilities: UnsafeMutablePointer<Float>?, _ capacity: Int, _ character_count: UnsafeMutablePointer<Int>?
) -> chargen_status {
    character_count?.pointee = 0
    return status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        let text = try checkedBytes(text, "text", length, "length")
        let probabilities = try required(probabilities, "probabilities")
        let count = try required(character_count, "character_count")
        let room = UnsafeMutableBufferPointer(start: probabilities, count: max(capacity, 0))
        count.pointee = try session.classifyPrefixes(text, column: column, room)
    }
}
