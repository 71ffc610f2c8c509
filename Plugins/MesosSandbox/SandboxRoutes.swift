internal import PluginKit

/// The routes' numbers.
enum SandboxRoute: UInt32 {
    case lines = 1
    case podLines
    case browse
    case podBrowse
    case download
    case podDownload
    case task
    case taskFile
    case taskBrowse
    case taskDownload
    case taskFileDownload
    case agent
}

/// What the plugin serves on a node of one role.
struct SandboxRoutes {
    private static let run = "/v2/task/frameworks/{framework_id}/executors/{executor_id}/runs/{container_id}"
    private static let pod = "\(run)/tasks/{task_path}"

    /// On an agent: its sandboxes.
    static var agent: [Route] {
        [
            self.lines(.lines, "\(self.run)/{file...}", "Lines of a file of a sandbox."),
            self.lines(.podLines, "\(self.pod)/{file...}", "Lines of a file of a pod's task."),
            self.plain(.browse, "\(self.run)/files/browse", "The files of a sandbox."),
            self.plain(.podBrowse, "\(self.pod)/files/browse", "The files of a pod's task."),
            self.plain(.download, "\(self.run)/{file...}/download", "A file of a sandbox."),
            self.plain(.podDownload, "\(self.pod)/{file...}/download", "A file of a pod's task."),
            self.agents("What the agent of this node serves, when it is asked for by its id."),
        ]
    }

    /// On a master: the way to a task's sandbox.
    static var master: [Route] {
        [
            self.plain(.task, "/v2/task/{task_id}", "Leads to what a task has written to stdout."),
            self.plain(.taskFile, "/v2/task/{task_id}/file/{file...}", "Leads to a file of a task."),
            self.plain(.taskBrowse, "/v2/task/{task_id}/browse", "Leads to the list of a task's files."),
            self.plain(.taskDownload, "/v2/task/{task_id}/download", "Leads to the download of a task's stdout."),
            self.plain(
                .taskFileDownload, "/v2/task/{task_id}/file/{file...}/download", "Leads to the download of a task's file."),
            self.agents("What an agent serves, through this master."),
        ]
    }

    private static func agents(_ summary: String) -> Route {
        self.plain(.agent, "/system/v1/agent/{agent_id}/logs/{rest...}", summary)
    }

    private static func lines(_ id: SandboxRoute, _ path: String, _ summary: String) -> Route {
        var route = Route(id: id.rawValue, path: path, summary: summary)
        route.dialect = .lines
        route.follow = .byAccept
        route.accepts = [.follow, .lastEventID]
        route.flags = .ids
        return route
    }

    private static func plain(_ id: SandboxRoute, _ path: String, _ summary: String) -> Route {
        Route(id: id.rawValue, path: path, summary: summary)
    }
}
