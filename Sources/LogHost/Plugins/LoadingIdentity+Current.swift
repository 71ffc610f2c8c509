internal import Glibc

extension LoadingIdentity {
    /// Asks the system who this process is. A user without an entry in the user database has no private group.
    package static func current() -> LoadingIdentity {
        let user = geteuid()
        return LoadingIdentity(user: user, privateGroup: user == 0 ? nil : Self.privateGroup(of: user))
    }

    /// Finds the user's primary group, if it is private by the rule of pam_umask's `usergroups`: named like the user. It
    /// must also have no other member; that nobody else has it as primary group cannot be asked of every user database.
    private static func privateGroup(of user: UInt32) -> UInt32? {
        // Larger than any sane entry; a group with more members than fit is not private.
        var buffer = [CChar](repeating: 0, count: 65_536)
        var passwd = unsafe Glibc.passwd()
        var foundPasswd: UnsafeMutablePointer<passwd>?
        guard unsafe getpwuid_r(user, &passwd, &buffer, buffer.count, &foundPasswd) == 0, unsafe foundPasswd != nil,
            let nameBytes = unsafe passwd.pw_name
        else { return nil }
        let name = unsafe String(cString: nameBytes)
        let number = unsafe passwd.pw_gid

        var group = unsafe Glibc.group()
        var foundGroup: UnsafeMutablePointer<group>?
        guard number != 0, unsafe getgrgid_r(number, &group, &buffer, buffer.count, &foundGroup) == 0,
            unsafe foundGroup != nil, let groupBytes = unsafe group.gr_name, unsafe String(cString: groupBytes) == name
        else { return nil }
        var member = unsafe group.gr_mem
        while let entry = unsafe member, let memberName = unsafe entry.pointee {
            guard unsafe String(cString: memberName) == name else { return nil }
            unsafe member = entry + 1
        }
        return number
    }
}
