internal import PluginABI

/// A plugin's commands for people, as C sees them.
let explainFunctions = unsafe FunctionTable(
    loghost_explain(
        size: UInt32(MemoryLayout<loghost_explain>.size), reserved: 0,
        command: { instance, topic, query, report, context in
            guard let instance = unsafe instance, let query = unsafe query, let report = unsafe report,
                let query = unsafe try? Query(query),
                let command = unsafe Instance.of(instance).source?.command(topic: topic.array, query: query)
            else { return }
            let arena = Arena()
            unsafe report(context, arena.bytes(command))
            withExtendedLifetime(arena) {}
        }))
