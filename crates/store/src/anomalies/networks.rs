//! KnownOrigins networks of a person or a key: the latest ones, for a limited time.

/// Stores that a row of `$whose` was used from a network and deletes its networks beyond the limits on age and number, in
/// one of two tables of the same structure.
macro_rules! remember_network {
    ($self:ident, $table:literal, $whose:literal, $id:expr, $network:expr) => {{
        tenant_query!(
            $self,
            execute,
            concat!(
                "insert into ",
                $table,
                " (tenant_id, ",
                $whose,
                ", network, last_used_at) values ($1, $2, $3, $4) on conflict (tenant_id, ",
                $whose,
                ", network) do update set last_used_at = $4"
            ),
            $id,
            $network,
            $self.now
        )?;
        tenant_query!(
            $self,
            execute,
            concat!(
                "delete from ",
                $table,
                " where tenant_id = $1 and ",
                $whose,
                " = $2 and (last_used_at <= $3 or network in (select n.network from ",
                $table,
                " n where n.tenant_id = $1 and n.",
                $whose,
                " = $2 order by n.last_used_at desc, n.network limit 1000 offset $4))"
            ),
            $id,
            $self.now.before(domain::anomalies::NETWORK_RETENTION),
            domain::anomalies::MAX_KNOWN_NETWORKS
        )?;
    }};
}
pub(super) use remember_network;
